// One step under the microscope: phase by phase, both sides as bars, and the network with what differs lit.
function microscope(root, data, still) {
  const FEW = 16, LEAST = -17, MOST = 2;
  let at = 0;
  const place = (number) => (number === null ? 1 : Math.min(1, Math.max(0, (Math.log10(number || 1e-99) - LEAST) / (MOST - LEAST))));
  const first = (() => {
    for (const [number, phase] of data.phases.entries()) {
      const tensor = phase.tensors.find((one) => one.first) || phase.tensors.find((one) => one.beyond);
      if (tensor) return { number, tensor };
    }
    return null;
  })();

  const back = make("button", { type: "button", click: () => go(at - 1) }, "Previous phase");
  const next = make("button", { type: "button", click: () => go(at + 1) }, "Next phase");
  const jump = first ? make("button", { type: "button", click: () => go(first.number) }, "Where they part") : "";
  const phases = data.phases.map((phase, number) => {
    const apart = phase.tensors.some((one) => one.beyond);
    return make("button", { type: "button", class: apart ? "apart" : "same", click: () => go(number) }, phase.name);
  });
  const list = make("ol", { class: "phases" }, ...phases.map((button) => make("li", {}, button)));
  const title = make("h3"), said = make("p"), rows = make("div", { class: "tensors" });
  const found = make("div", { role: "status", "aria-live": "polite" }, title, said);
  const panel = make("div", { class: "phase" }, make("div", { class: "controls" }, back, next, jump), list, found, legend(), rows);
  root.insertBefore(panel, still);
  root.addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way || event.target.closest(".network, pre, .tensors")) return;
    event.preventDefault();
    go(at + way);
  });

  function legend() {
    const item = (kind, text) => make("span", {}, make("span", { class: `key ${kind}`, "aria-hidden": "true" }), text);
    return make("p", { class: "legend" }, item(`side-${data.curves[0]}`, data.a), item(`side-${data.curves[1]}`, data.b),
      item("noise", "rounding"), item("apart", "apart, from 1e-17 to 100 times"));
  }

  function go(number) {
    at = Math.min(data.phases.length - 1, Math.max(0, number));
    const phase = data.phases[at];
    back.disabled = at === 0;
    next.disabled = at === data.phases.length - 1;
    phases.forEach((button, index) => (index === at ? button.setAttribute("aria-current", "step") : button.removeAttribute("aria-current")));
    title.textContent = phase.name;
    said.textContent = phase.said;
    draw(phase, false);
    light(phase);
    root.dataset.phase = phase.key;
  }

  function draw(phase, all) {
    const apart = phase.tensors.filter((one) => one.beyond);
    const shown = all ? phase.tensors : [...apart, ...phase.tensors.filter((one) => !one.beyond)].slice(0, FEW);
    const ordered = phase.tensors.filter((one) => shown.includes(one));
    rows.replaceChildren(...ordered.map(row));
    const left = phase.tensors.length - ordered.length;
    if (left) rows.append(make("button", { type: "button", click: () => draw(phase, true) }, `Show ${left} more`));
  }

  function row(one) {
    const largest = Math.max(one.a || 0, one.b || 0) || 1;
    const bar = (value, side) => make("span", { class: `bar side-${side}`, style: `width: ${((value || 0) / largest) * 100}%` });
    const gap = one.difference === 0 ? 0 : place(one.difference);
    return make("div", { class: `tensor${one.beyond ? " beyond" : ""}${first && one === first.tensor ? " first" : ""}` },
      make("p", {}, make("code", {}, one.name), " ", make("span", { class: "quiet" }, one.shape)),
      make("div", { class: "bars", "aria-hidden": "true" }, bar(one.a, data.curves[0]), bar(one.b, data.curves[1])),
      make("div", { class: "gap", "aria-hidden": "true" },
        make("span", { class: "noise", style: `width: ${place(one.noise) * 100 * (one.noise ? 1 : 0)}%` }),
        make("span", { class: "apart", style: `width: ${gap * 100}%` })),
      make("p", { class: "quiet" }, one.told, one.element ? `. ${one.element}` : ""));
  }

  function light(phase) {
    const here = new Set(phase.tensors.map((one) => one.layer)), apart = new Set(phase.tensors.filter((one) => one.beyond).map((one) => one.layer));
    const box = still.querySelector(".network");
    for (const node of still.querySelectorAll("[data-layer]")) {
      const name = node.dataset.layer, lit = Boolean(first) && data.phases[at] === phase && first.number === at && first.tensor.layer === name && name !== "";
      node.setAttribute("class", `node${here.has(name) ? " here" : ""}${apart.has(name) ? " apart" : ""}${lit ? " lit" : ""}`);
      if (lit && box) box.scrollTop = node.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop - 80;
    }
  }

  go(0);
}
