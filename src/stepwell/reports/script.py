"""The one script that a page may run: it moves the threshold. Without it the page shows the task's own threshold."""

MOVE_THRESHOLD = """
"use strict";
(() => {
  const box = document.getElementById("movable");
  const known = JSON.parse(box.dataset.counts);
  const slider = box.querySelector("input");
  const share = (part, whole) => whole > 0 ? part / whole : NaN;
  const written = (value) => Number.isNaN(value) ? "\\u2013" : value.toFixed(3);
  const count = (value) => value.toLocaleString("en-US");
  const show = (name, text) => {
    for (const place of box.querySelectorAll(`[data-show="${name}"]`)) place.textContent = text;
  };
  const move = (index) => {
    const tp = known.tp[index], fp = known.fp[index], fn = known.p - tp, tn = known.n - fp;
    const rates = {
      precision: share(tp, tp + fp), recall: share(tp, known.p), fpr: share(fp, known.n),
      f1: share(2 * tp, 2 * tp + fp + fn), accuracy: share(tp + tn, known.p + known.n),
    };
    slider.value = index;
    slider.setAttribute("aria-valuetext", known.t[index]);
    show("threshold", known.t[index]);
    for (const [name, value] of Object.entries({ tp, fp, fn, tn })) show(name, count(value));
    for (const [name, value] of Object.entries(rates)) show(name, written(value));
    for (const mark of box.querySelectorAll("circle[data-x]")) {
      const x = rates[mark.dataset.x], y = rates[mark.dataset.y];
      const [left, right, bottom, top] = mark.dataset.frame.split(" ").map(Number);
      const seen = !Number.isNaN(x + y);
      mark.setAttribute("visibility", seen ? "visible" : "hidden");
      if (!seen) continue;
      mark.setAttribute("cx", left + (right - left) * x);
      mark.setAttribute("cy", bottom + (top - bottom) * y);
    }
  };
  const nearest = (value) => known.t.reduce(
    (best, each, index) => Math.abs(each - value) < Math.abs(known.t[best] - value) ? index : best, 0);
  const follow = () => {
    const found = /[#&]threshold=([0-9.e-]+)$/.exec(location.hash);
    if (found === null || Number.isNaN(Number(found[1]))) return false;
    move(nearest(Number(found[1])));
    return true;
  };
  slider.addEventListener("input", () => move(Number(slider.value)));
  slider.addEventListener("change", () => history.replaceState(null, "", `#threshold=${known.t[slider.value]}`));
  window.addEventListener("hashchange", follow);
  for (const control of box.querySelectorAll("[hidden]")) control.hidden = false;
  if (follow()) box.scrollIntoView();
})();
"""
