// What an answer goes by: the parts of a picture, the columns of a row, the stretches of a series.

const MAP_TEXTS = {
  occlusion:
    "Parts of the picture are covered, one after another. Orange: covered, the answer loses probability; blue: it gains.",
  "Grad-CAM": "Orange: where the last layer of maps finds what speaks for the answer. It is as coarse as that layer.",
};
const MAP_NAMES = { occlusion: "Covering parts", "Grad-CAM": "Grad-CAM" };
const FAINT = 0.01; // of probability: below it, covering parts says nothing

const showSeen = { picture: seenPicture, columns: seenColumns, series: seenSeries };

function showExplanation(found) {
  const box = place("why");
  box.replaceChildren(...showSeen[found.kind](found, box));
  place("seen").hidden = false;
}

function showUnexplained(count) {
  place("why").replaceChildren(note(`An explanation is of one row, and this input has ${written(count)}.`));
  place("seen").hidden = false;
}

const largest = (map) => Math.max(...map.flat().map(Math.abs));

let chosenMap = null; // what somebody pressed stays for the next picture

function seenPicture(found) {
  const strong = "occlusion" in found.maps && largest(found.maps.occlusion) >= FAINT;
  const first = chosenMap ?? (strong ? "occlusion" : "Grad-CAM");
  const names = Object.keys(found.maps).sort((a, b) => (b === first) - (a === first));
  const image = make("img", { src: found.picture, alt: "The picture as the network gets it" });
  image.onload = () => image.classList.toggle("pixels", Math.max(image.naturalWidth, image.naturalHeight) <= 96);
  const canvas = make("canvas", { aria: { hidden: "true" } }), text = note();
  const show = (name) => {
    paintMap(canvas, found.maps[name]);
    text.textContent = `${MAP_TEXTS[name] ?? ""} ${strength(name, found)}`;
  };
  show(names[0]);
  const choose = (name) => ((chosenMap = name), show(name));
  const buttons = choices(names.map((name) => [name, MAP_NAMES[name] ?? name]), "What is shown", choose);
  const right = make("div", { className: "stack" }, ...(names.length > 1 ? [buttons] : []), text, note(CAREFUL));
  return [make("div", { className: "looked" }, make("div", { className: "overlay" }, image, canvas), right)];
}

const CAREFUL = "Each is an approximation, and none proves what the network uses.";

function strength(name, found) {
  if (name !== "occlusion") return "";
  const most = largest(found.maps.occlusion);
  if (most < FAINT) return `Here no part matters alone: the ${found.of} changes by ${percent(most)} at most.`;
  return `The strongest colour is a change of the ${found.of} by ${percent(most)}.`;
}

function paintMap(canvas, map) {
  const most = largest(map) || 1;
  canvas.width = map[0].length;
  canvas.height = map.length;
  const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
  map.flat().forEach((value, index) => {
    const share = Math.abs(value) / most, colour = value > 0 ? [255, 110, 30] : [40, 130, 230];
    image.data.set([...colour, 215 * share ** 0.8], 4 * index);
  });
  context.putImageData(image, 0, 0);
  canvas.classList.toggle("pixels", Math.max(canvas.width, canvas.height) <= 32);
}

const MOST_COLUMNS = 8;

function seenColumns(found) {
  const share = found.label !== null;
  const points = (change) => `${change < 0 ? "−" : "+"}${(100 * Math.abs(change)).toFixed(1)} points`;
  const signed = (change) => `${change < 0 ? "−" : "+"}${written(Math.abs(change))}`;
  const told = (change) => (Math.abs(change) < (share ? 5e-4 : 1e-9) ? "0" : share ? points(change) : signed(change));
  const [first, rest] = [found.columns.slice(0, MOST_COLUMNS), found.columns.slice(MOST_COLUMNS)];
  const more = folded("columns", `${rest.length} more columns`, changeBars(rest, told));
  const beside = "beside the usual value of its column and with all others as they are";
  const text = `What each value does to the ${found.of}, ${beside}.`;
  return [make("div", { className: "stack" }, note(text), changeBars(first, told), ...(rest.length ? [more] : []))];
}

function seenSeries(found) {
  const text =
    "The stronger a stretch of the past is coloured, the more the forecast moves when its values become the window's mean.";
  const columns = [...found.columns].sort((a, b) => b.change - a.change).slice(0, MOST_COLUMNS);
  const moved = (change) => written(change);
  const others = "How far the forecast moves, on average, without each other column of the past:";
  const more = columns.length ? [note(others), changeBars(columns, moved, { oneSided: true })] : [];
  return [make("div", { className: "stack" }, influence(found), note(text), ...more)];
}
