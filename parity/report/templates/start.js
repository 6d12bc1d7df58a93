// Begin: charts, then what turns; what an address names is unfolded.
document.querySelectorAll("[data-chart]").forEach(chart);
const WIDGETS = { guess, switches, microscope };
for (const root of document.querySelectorAll("[data-widget]")) {
  WIDGETS[root.dataset.widget](root, JSON.parse(root.querySelector("script").textContent), root.querySelector(".still"));
}
function arrive() {
  const place = document.getElementById(location.hash.slice(1));
  if (!place) return;
  const fold = place.matches("details") ? place : place.querySelector(":scope > details.section");
  if (fold) fold.open = true;
  unfold(place);
  place.scrollIntoView({ behavior: "instant" });
}
addEventListener("hashchange", arrive);
addEventListener("beforeprint", () => document.querySelectorAll("details.section").forEach((fold) => { fold.open = true; }));
arrive();
