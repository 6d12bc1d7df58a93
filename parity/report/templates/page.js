"use strict";
// Each chart's specification stands beside its place in the page, as JSON. Charts are drawn as SVG, so that their
// colours are CSS variables and follow the reader's light or dark setting; expressions are interpreted, not
// compiled, because the page's policy allows no code from strings.
for (const place of document.querySelectorAll("[data-chart]")) {
  const specification = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  vegaEmbed(place, specification, { actions: false, ast: true, defaultStyle: false, renderer: "svg" }).catch((error) => {
    place.textContent = `This chart could not be drawn (${error.message}). The tables hold its numbers.`;
    console.error(error);
  });
}
