// Switches: every combination of differences that was run, with its curve, its outcome and its change.
function switches(root, data) {
  const known = new Map(data.combinations.map((one) => [[...one.on].sort((a, b) => a - b).join(), one]));
  const on = new Set();
  const key = (set) => [...set].sort((a, b) => a - b).join();
  const toggled = (number) => key(on.has(number) ? [...on].filter((one) => one !== number) : [...on, number]);

  const rows = data.switches.map((one, number) => {
    const box = make("input", { type: "checkbox", role: "switch", change: () => turn(number) });
    const values = make("span", { class: "values" }, one.off, " \u2192 ", one.on);
    const hint = make("span", { class: "hint", hidden: true }, "not run");
    const link = one.anchor === "" ? "" : make("a", { href: `#${one.anchor}`, class: "what", "aria-label": `What ${one.path} is` }, "?");
    return { box, hint, row: make("div", { class: "switch" }, make("label", {}, box, make("span", {}, make("code", {}, one.path), values, hint)), link) };
  });
  const select = make("select", { change: () => choose(data.combinations[Number(select.value)]) },
    make("option", { value: "", disabled: true }, "one that was run"),
    ...data.combinations.map((one, number) => make("option", { value: number }, one.name)));
  const picker = make("label", { class: "picker" }, "Or choose ", select);
  const controls = make("fieldset", { class: "controls" }, make("legend", {}, `Differences of ${data.bad}`), ...rows.map((one) => one.row), picker);
  const said = make("p", { class: "said", role: "status", "aria-live": "polite" });
  const drawing = make("div", { class: "curve" }), track = make("div", { class: "track" });
  const caption = make("p", { class: "quiet" }), change = make("div", { class: "change" });
  const note = data.note ? make("p", { class: "quiet" }, data.note) : "";
  // On a phone the first stays in sight while the switches below it are turned.
  root.append(controls, make("div", { class: "live" }, said, drawing), make("div", { class: "rest" }, caption, track, note, change));

  function turn(number) {
    if (!on.delete(number)) on.add(number);
    show();
    write();
  }

  function choose(one) {
    on.clear();
    one.on.forEach((number) => on.add(number));
    show();
    write();
  }

  function show() {
    const one = known.get(key(on));
    rows.forEach((row, number) => {
      const run = known.has(toggled(number));
      row.box.checked = on.has(number);
      row.row.classList.toggle("unrun", !run);
      row.hint.hidden = run;
    });
    select.value = one ? data.combinations.indexOf(one) : "";
    root.classList.toggle("unknown", !one);
    said.textContent = one ? `${one.name}: ${one.said}` : data.unrun;
    caption.textContent = one ? one.curve : "";
    drawCurve(one);
    drawTrack(one);
    change.replaceChildren(...(one ? changes(one) : again()));
  }

  function again() {
    const rows = data.switches.filter((_, number) => on.has(number));
    if (!rows.every((row) => row.options.length)) return [];
    const options = rows.flatMap((row) => row.options).join("\n");
    return [make("p", { class: "quiet" }, data.again), make("pre", { tabindex: 0, "aria-label": data.again, class: "options" }, make("code", {}, options))];
  }

  function changes(one) {
    const title = one.patch ? `Changes of side ${one.side}` : `Side ${one.side} has no changes`;
    const lines = data.switches.flatMap((row, number) => {
      const taken = one.side === data.good ? on.has(number) : !on.has(number);
      return taken ? row.lines.filter((line) => line.side === one.side) : [];
    });
    const pieces = [make("p", { class: "quiet" }, title)];
    if (one.patch) pieces.push(make("pre", { tabindex: 0, "aria-label": title }, make("code", {}, one.patch)));
    if (lines.length) {
      const text = lines.flatMap((line) => [
        make("i", {}, `@@ ${line.where} @@`), "\n",
        ...(line.own ? [` ${line.own}`, "\n"] : []),
        ...(line.text ? [make("del", {}, `-${line.text}`), "\n"] : []),
        ...(line.instead ? [make("ins", {}, `+${line.instead}`), "\n"] : []),
      ]);
      pieces.push(make("pre", { tabindex: 0, "aria-label": "Lines of its program", class: "lines" }, make("code", {}, ...text)));
    }
    return pieces;
  }

  function drawCurve(one) {
    const width = Math.max(drawing.clientWidth, 280), height = width < 420 ? 150 : 230, bottom = 24;
    const full = key(data.switches.map((_, number) => number));
    const lines = [["", "reference one"], [full, "reference two"]].map(([name, kind]) => ({ one: known.get(name), kind }));
    lines.push({ one, kind: "current" });
    const drawn = lines.filter((line) => line.one);
    const numbers = drawn.flatMap((line) => line.one.losses).filter((loss) => loss !== null);
    const steps = Math.max(1, ...drawn.map((line) => line.one.steps));
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": one ? `${one.name}. ${one.curve}` : data.unrun });
    const y = scale(numbers.length ? numbers : [0, 1], height - bottom, 8, true);
    const left = 14 + 7 * Math.max(...y.ticks.map((tick) => short(tick).length));
    for (const tick of y.ticks) {
      svg.append(make("line", { x1: left, x2: width - 4, y1: y.at(tick), y2: y.at(tick), class: "grid" }));
      svg.append(make("text", { x: left - 6, y: y.at(tick) + 4, "text-anchor": "end" }, short(tick)));
    }
    const x = (step) => left + (step / steps) * (width - left - 8);
    for (const part of [0, 0.5, 1]) {
      const step = Math.round(part * steps);
      svg.append(make("text", { x: x(step), y: height - 6, "text-anchor": part === 1 ? "end" : part ? "middle" : "start" }, part ? String(step) : "step 0"));
    }
    for (const line of drawn) {
      let path = "", pen = false;
      line.one.losses.forEach((loss, index) => {
        if (loss === null) { pen = false; return; }
        path += `${pen ? "L" : "M"}${x(Math.min((index + 0.5) * line.one.every, line.one.steps)).toFixed(1)} ${y.at(loss).toFixed(1)}`;
        pen = true;
      });
      const side = line.kind === "current" ? "" : ` side-${data.curves[line.kind.endsWith("one") ? 0 : 1]}`;
      svg.append(make("path", { d: path, class: `${line.kind}${side}` }));
    }
    drawing.replaceChildren(svg, legend());
  }

  function legend() {
    const item = (kind, text) => make("span", {}, make("span", { class: `key ${kind}`, "aria-hidden": "true" }), text);
    return make("p", { class: "legend" }, item("current", "this combination"),
      item(`side-${data.curves[0]}`, data.good), item(`side-${data.curves[1]}`, data.bad));
  }

  function drawTrack(one) {
    const width = Math.max(track.clientWidth, 280), values = data.combinations.map((other) => other.value).filter((value) => value !== null);
    const svg = make("svg", { viewBox: `0 0 ${width} 64`, role: "img", "aria-label": one ? one.said : data.unrun });
    const x = scale([...values, ...(data.lower ? [] : [0])], 12, width - 12, data.lower);
    svg.append(make("line", { x1: 12, x2: width - 12, y1: 30, y2: 30, class: "grid" }));
    const full = key(data.switches.map((_, number) => number));
    for (const [name, side] of [["", data.good], [full, data.bad]]) {
      const other = known.get(name);
      if (!other || other.value === null) continue;
      const at = x.at(other.value), end = at > width / 2 ? "end" : "start";
      svg.append(make("line", { x1: at, x2: at, y1: 20, y2: 40, class: "mark" }));
      svg.append(make("text", { x: at, y: 14, "text-anchor": end }, side));
    }
    if (one && one.value !== null) svg.append(make("circle", { cx: x.at(one.value), cy: 30, r: 8, class: "dot" }));
    svg.append(make("text", { x: 12, y: 58 }, data.outcome));
    track.replaceChildren(svg);
  }

  // The state stands in the address behind #with=, so that it can be linked to; #lesson hides the controls.
  function write() {
    const parts = [`with=${[...on].sort((a, b) => a - b).map((number) => encodeURIComponent(data.switches[number].path)).join()}`];
    if (document.documentElement.classList.contains("lesson")) parts.push("lesson");
    try {
      history.replaceState(null, "", `#${parts.join("&")}`);
    } catch (error) { /* In a frame of a notebook there is no address. */ }
  }

  function read() {
    const parts = location.hash.slice(1).split("&");
    document.documentElement.classList.toggle("lesson", parts.includes("lesson"));
    const wanted = parts.find((part) => part.startsWith("with="));
    if (wanted === undefined) return;
    const paths = wanted.slice(5).split(",").map(decodeURIComponent);
    on.clear();
    data.switches.forEach((one, number) => { if (paths.includes(one.path)) on.add(number); });
    show();
    root.closest("section").scrollIntoView({ behavior: "instant" });
  }

  show();
  read();
  addEventListener("hashchange", read);
  addEventListener("resize", () => { const one = known.get(key(on)); drawCurve(one); drawTrack(one); });
}
