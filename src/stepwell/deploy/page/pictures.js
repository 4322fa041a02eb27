// Pictures: drawn, chosen, dropped, pasted, or from those that the run kept.

const LARGEST_PAD = 28, SHOWN = 12;
const DRAW = "Draw something, and it is read while you draw.";

function mountPicture(card, box, examples, ask) {
  const { size: [height, width], channels } = card.form;
  const kept = examples.slice(0, SHOWN).map((each) => each.values);
  const draws = channels === 1 && Math.max(height, width) <= LARGEST_PAD;
  const view = draws ? drawingView(card, kept, ask) : photoView();
  const pick = (number) => {
    view.show(pictureOf(card, kept[number]));
    ask(ofArray(card, kept[number], { example: number, truth: card.examples[number], settled: true }));
  };
  const thumbs = gallery(card, kept, pick);
  const take = (file) => (thumbs.mark(null), takePicture(card, file, view, kept).then(ask, showWrong));
  view.begun = () => thumbs.mark(null);
  const tools = make("div", { className: "tools" }, ...view.tools, chooser("Choose a picture", "image/*", take));
  box.append(view.element, tools);
  place("kept").append(note(hintOf(card, draws)), ...(kept.length ? [thumbs.element] : []));
  place("kept").hidden = false;
  takeDrops(take);
  if (draws || !kept.length) ask({ nothing: draws ? DRAW : "Choose a picture." });
  else thumbs.press(0);
}

function hintOf(card, draws) {
  if (!draws) return "Or drop one anywhere on this page, or paste it.";
  const [height, width] = card.form.size;
  const drawn = `What you draw is centred and scaled like the training pictures, ${width} × ${height} pixels.`;
  return `${drawn} A picture can be dropped, too.`;
}

const share = (card, value) => (value - card.form.low) / (card.form.high - card.form.low || 1);
const back = (card, value) => card.form.low + value * (card.form.high - card.form.low);

// Values (c, h, w) as a canvas.
function pictureOf(card, values) {
  const { size: [height, width], channels } = card.form, area = height * width;
  const canvas = make("canvas", { width, height, className: Math.max(height, width) <= 96 ? "pixels" : "" });
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let index = 0; index < area; index++) {
    const colour = [0, 1, 2].map((channel) => 255 * share(card, values[(channels === 1 ? 0 : channel) * area + index]));
    image.data.set([...colour, 255], 4 * index);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function gallery(card, kept, pick) {
  const buttons = kept.map((values, number) => {
    const name = card.examples[number] ?? String(number + 1);
    const label = `Held-out picture ${number + 1}: ${name}`;
    const choose = () => (mark(number), pick(number));
    const thumb = button(pictureOf(card, values), choose, "thumb");
    thumb.title = thumb.ariaLabel = label;
    return thumb;
  });
  const mark = (chosen) => pressOnly(buttons, chosen);
  mark(null);
  const title = make("p", { className: "note" }, "Held-out pictures, which the network was not trained on");
  const press = (number) => buttons[number].click();
  const thumbs = make("div", { className: "thumbs" }, ...buttons);
  return { element: make("div", { className: "gallery" }, title, thumbs), mark, press };
}

function photoView() {
  const frame = make("div", { className: "frame" });
  return { element: frame, tools: [], begun: () => {}, show: (picture) => frame.replaceChildren(picture) };
}

// The pad, with what the network gets of the drawing beside it.
function drawingView(card, kept, ask) {
  const { size: [height, width] } = card.form;
  const dark = groundOf(card, kept) < 0.5;
  const inks = kept.map((values) => values.map((value) => (dark ? share(card, value) : 1 - share(card, value))));
  const habit = habits(inks, height, width);
  const given = make("div", { className: "given" }), settled = later(250);
  const show = (picture) => {
    pen.strokes.splice(0);
    frame.replaceChildren(picture);
    given.replaceChildren();
  };
  const view = { begun: () => {}, show };
  const changed = (strokes, done) => {
    view.begun();
    if (frame.firstChild !== pen.canvas) frame.replaceChildren(pen.canvas);
    settled.stop();
    if (!strokes.length) return given.replaceChildren(), ask({ nothing: DRAW });
    const drawn = rendered(strokes, height, width, habit).map((value) => rounded(value));
    const values = drawn.map((value) => back(card, dark ? value : 1 - value));
    given.replaceChildren(pictureOf(card, values));
    ask(ofArray(card, values, { settled: false }));
    if (done) settled(() => ask(ofArray(card, values, { settled: true })));
  };
  const pen = pad(changed), frame = make("div", { className: "frame" }, pen.canvas);
  view.tools = [button("Clear", pen.wipe), button("Undo", pen.undo)];
  view.element = make("div", { className: "easel" }, frame, given);
  return view;
}

// What lies at the edges of pictures, from 0 (dark) to 1.
function groundOf(card, kept) {
  const { size: [height, width] } = card.form;
  const edge = (_, index) => index < width || index >= (height - 1) * width;
  const values = kept.flatMap((each) => each.slice(0, height * width).filter(edge));
  return values.length ? share(card, median(values)) : 0;
}

// A file as a request: as it is where the server reads such files, else made into an array here.
async function takePicture(card, file, view, kept) {
  const image = await createImageBitmap(file).catch(() => null);
  if (card.files.includes(suffixOf(file.name)) || (image === null && card.files.length)) {
    if (image !== null) view.show(covering(card, image, true));
    return { type: typeOf(file), body: file, file: file.name, settled: true };
  }
  if (image === null) throw new Refusal(0, `${file.name} is no picture that this browser can read.`);
  const values = valuesOf(card, covering(card, image, false), kept);
  view.show(pictureOf(card, values));
  return ofArray(card, values, { settled: true });
}

// The picture scaled until it covers the network's size, what stands out cut; larger than that for people to look at.
function covering(card, image, forPeople) {
  const { size: [height, width] } = card.form;
  const factor = forPeople ? Math.max(1, Math.ceil(320 / Math.max(height, width))) : 1;
  const canvas = make("canvas", { width: width * factor, height: height * factor });
  const scale = Math.max(canvas.width / image.width, canvas.height / image.height);
  const [w, h] = [image.width * scale, image.height * scale];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(image, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
  return canvas;
}

// Drawings on paper are dark on light; where the training pictures are light on dark, they are turned round.
function valuesOf(card, canvas, kept) {
  const { width, height } = canvas, { channels } = card.form;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const at = (index, channel) => data[4 * index + channel] / 255;
  const grey = (index) => 0.299 * at(index, 0) + 0.587 * at(index, 1) + 0.114 * at(index, 2);
  const planes = channels === 1 ? [grey] : [0, 1, 2].map((channel) => (index) => at(index, channel));
  const values = planes.flatMap((plane) => Array.from({ length: width * height }, (_, index) => plane(index)));
  const edges = [0, width - 1, (height - 1) * width, height * width - 1].map((index) => values[index]);
  const turned = channels === 1 && kept.length > 0 && median(edges) > 0.5 !== groundOf(card, kept) > 0.5;
  return values.map((value) => back(card, rounded(turned ? 1 - value : value)));
}
