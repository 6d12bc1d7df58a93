"use strict";
// What the parts of the page share. Texts only ever become text nodes: nothing that a spec says is read as markup.

/** Make an element with attributes and children; a child that is a string is text. */
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "path", "line", "circle", "g", "text", "title", "rect"].includes(tag);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

/** Write a number on an axis. */
function short(number) {
  if (number !== 0 && (Math.abs(number) >= 1e5 || Math.abs(number) < 1e-3)) return number.toExponential(0);
  return String(Number(number.toPrecision(3)));
}

/** Give a scale from numbers to pixels, logarithmic where they are all positive and far apart. */
function scale(numbers, from, to, wanted) {
  const low = Math.min(...numbers), high = Math.max(...numbers);
  const log = wanted && low > 0 && high > 5 * low;
  const on = log ? Math.log10 : (number) => number;
  const start = on(low), length = on(high) - start || Math.abs(on(high)) || 1;
  const at = (number) => from + ((on(number) - start) / length) * (to - from);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => (log ? 10 ** (start + part * length) : start + part * length));
  return { at, ticks, log };
}

/** Let an element be opened: all that is folded around it. */
function unfold(element) {
  for (let fold = element && element.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
}

// Each chart's specification stands beside its place in the page, as JSON. Charts are drawn as SVG, so that their
// colours are CSS variables and follow the reader's light or dark setting; expressions are interpreted, not
// compiled, because the page's policy allows no code from strings. One that is folded away has no width to be drawn in.
function chart(place) {
  const closed = place.closest("details:not([open])");
  if (closed) {
    closed.addEventListener("toggle", () => chart(place), { once: true });
    return;
  }
  const specification = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  vegaEmbed(place, specification, { actions: false, ast: true, defaultStyle: false, renderer: "svg" }).catch((error) => {
    place.textContent = `This chart could not be drawn (${error.message}). The tables hold its numbers.`;
    console.error(error);
  });
}
