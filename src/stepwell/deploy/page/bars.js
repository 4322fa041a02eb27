// Answers as bars: the probability of each class; by how much each column moves an answer.

const MOST_CLASSES = 10;

// Few classes keep their order, so that bars do not jump while one draws; of many the likeliest are shown.
function shownClasses(probabilities) {
  const all = Object.entries(probabilities);
  return all.length <= MOST_CLASSES ? all : all.sort((a, b) => b[1] - a[1]).slice(0, MOST_CLASSES - 2);
}

function classBars(answer) {
  const shown = shownClasses(answer.probabilities);
  const rest = Object.keys(answer.probabilities).length - shown.length;
  const rows = shown.map(([name, share]) => {
    const bar = make("span", { className: "bar" });
    bar.style.width = `${100 * between(share, 0, 1)}%`;
    return make(
      "li",
      { className: name === answer.label ? "best" : "" },
      make("span", { className: "name", title: name }, name),
      make("span", { className: "track" }, bar),
      make("span", { className: "share" }, percent(share)),
    );
  });
  const list = make("ol", { className: "bars", aria: { label: "Probabilities" } }, ...rows);
  return rest > 0 ? [list, note(`${written(rest)} more classes share the rest.`)] : [list];
}

// To the right what raised the answer, to the left what lowered it.
function changeBars(changes, told, { oneSided = false } = {}) {
  const most = Math.max(...changes.map((each) => Math.abs(each.change)), 1e-12);
  const rows = changes.map((each) => {
    const bar = make("span", { className: each.change < 0 ? "bar down" : "bar up" });
    bar.style.width = `${((oneSided ? 100 : 50) * Math.abs(each.change)) / most}%`;
    return make(
      "li",
      {},
      make("span", { className: "name", title: each.column }, each.column, ...besides(each)),
      make("span", { className: oneSided ? "track one" : "track two" }, bar),
      make("span", { className: "share" }, told(each.change)),
    );
  });
  return make("ol", { className: "bars changes" }, ...rows);
}

function besides(each) {
  if (each.usual === undefined) return [];
  const same = each.value === each.usual ? "as usual" : `usually ${written(each.usual)}`;
  return [make("small", {}, `${written(each.value)}, ${same}`)];
}
