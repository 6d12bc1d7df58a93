// Guess first: boxes to tick, and a button that shows the answer.
function guess(root, data, still) {
  const comment = make("p", { class: "comment" });
  const answer = make("div", { role: "status", "aria-live": "polite" }, comment);
  const rows = data.options.map((option) => {
    const box = make("input", { type: "checkbox", change: () => label() });
    const told = make("span", { class: "told", hidden: true }, option.told.replaceAll(" -> ", " \u2192 "));
    const row = make("label", {}, box, make("span", {}, make("code", {}, option.change.replaceAll(" -> ", " \u2192 ")), told));
    return { option, box, told, row };
  });
  const button = make("button", { type: "button", click: () => reveal() });
  const label = () => { button.textContent = rows.some((one) => one.box.checked) ? data.show : data.skip; };
  const reveal = () => {
    const ticked = rows.filter((one) => one.box.checked);
    const hits = ticked.filter((one) => one.option.right).length, right = rows.filter((one) => one.option.right).length;
    const others = ticked.length - hits;
    const kind = !ticked.length ? "none" : !hits ? "wrong" : hits < right ? "some" : others ? "more" : "right";
    comment.textContent = data.comments[kind];
    still.hidden = false;
    for (const one of rows) {
      one.told.hidden = false;
      one.row.className = one.option.right ? "right" : "other";
    }
    root.dataset.answer = kind;
    button.textContent = data.again;
  };
  label();
  still.hidden = true;
  answer.append(still);
  const boxes = make("fieldset", {}, make("legend", {}, data.question), ...rows.map((one) => one.row));
  root.append(boxes, button, answer);
}
