// A window of a series and what comes after it.

const FRAME = { width: 900, height: 260, left: 50, right: 12, top: 12, bottom: 30 };

function scales(past, forecast) {
  const all = [...past, ...forecast], low = Math.min(...all), high = Math.max(...all);
  const room = 0.05 * (high - low || 1), steps = past.length + forecast.length - 1;
  const x = (step) => FRAME.left + ((FRAME.width - FRAME.left - FRAME.right) * step) / Math.max(steps, 1);
  const span = FRAME.height - FRAME.top - FRAME.bottom;
  const y = (value) => FRAME.top + span * (1 - (value - low + room) / (high - low + 2 * room));
  return { x, y, low, high };
}

function path(values, x, y, first = 0) {
  const point = (value, step) => `${x(first + step).toFixed(1)} ${y(value).toFixed(1)}`;
  return `M${values.map(point).join("L")}`;
}

// 3 steps of "1 hour" are "3 hours".
function stepsOf(step, count) {
  const found = /^(\d+) ([a-z]+?)s?$/.exec(step);
  if (found === null) return `${count} × ${step}`;
  const number = count * Number(found[1]);
  return `${written(number)} ${found[2]}${number === 1 ? "" : "s"}`;
}

function ticks(low, high) {
  const rough = (high - low || 1) / 5, size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * size).find((each) => each >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + 1e-9 * step; value += step) {
    found.push(Number(value.toPrecision(12)));
  }
  return found;
}

function seriesChart(found, under = []) {
  FRAME.width = between(place("bench").clientWidth, 300, 1000);
  const { past, forecast } = found, { x, y, low, high } = scales(past, forecast);
  const bottom = FRAME.height - FRAME.bottom;
  const grid = ticks(low, high).flatMap((value) => [
    drawn("line", { x1: FRAME.left, x2: FRAME.width - FRAME.right, y1: y(value), y2: y(value), class: "grid" }),
    drawn("text", { x: FRAME.left - 8, y: y(value) + 4, "text-anchor": "end" }, written(value)),
  ]);
  const now = x(past.length - 1);
  const label = (at, anchor, text) => drawn("text", { x: at, y: FRAME.height - 8, "text-anchor": anchor }, text);
  const alt = `${found.of}: the last ${past.length} steps and the forecast of ${forecast.length}`;
  return drawn(
    "svg",
    { viewBox: `0 0 ${FRAME.width} ${FRAME.height}`, class: "chart", role: "img", "aria-label": alt },
    ...under.map((make) => make(x, bottom)),
    ...grid,
    drawn("line", { x1: now, x2: now, y1: FRAME.top, y2: bottom, class: "now" }),
    drawn("path", { d: path(past, x, y), class: "past" }),
    drawn("path", { d: path([past.at(-1), ...forecast], x, y, past.length - 1), class: "ahead" }),
    label(FRAME.left, "start", `${stepsOf(found.step, past.length)} before`),
    label(FRAME.width - FRAME.right, "end", `${stepsOf(found.step, forecast.length)} ahead`),
  );
}

// The chart with the past shaded by how much each stretch of it matters.
function influence(found) {
  const most = Math.max(...found.parts.map((part) => part.change), 1e-12);
  const shade = (part) => (x, bottom) => drawn("rect", {
    x: x(part.start), width: Math.max(x(part.end) - x(part.start), 0.5), y: FRAME.top, height: bottom - FRAME.top,
    class: "shade", opacity: (0.55 * part.change) / most,
  });
  return make("div", { className: "scroll" }, seriesChart(found, found.parts.map(shade)));
}
