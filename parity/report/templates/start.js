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
// In a frame of a notebook a link to a place would lead to the notebook's own address; and one that was followed before
// leads nowhere a second time.
addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const place = link.getAttribute("href").slice(1);
  if (location.hash.slice(1) === place) arrive();
  else location.hash = place;
});
addEventListener("beforeprint", () => document.querySelectorAll("details.section").forEach((fold) => { fold.open = true; }));
arrive();
