// The page: the models, the one that is shown, and what it is asked with.

function viewOf(card) {
  const [input] = card.inputs, alone = card.inputs.length === 1;
  if (card.form.size !== undefined) return mountPicture;
  if (card.kind === "table" && card.form.columns !== undefined) return mountRow;
  const few = alone && input.shape.length === 1 && input.shape[0] !== null && input.shape[0] <= 64;
  return few && input.dtype.startsWith("float") ? mountFeatures : mountBox;
}

function aboutOf(card) {
  const { form } = card, classes = card.classes.length > 1 ? card.classes : [];
  const few = classes.slice(0, classes.length > 12 ? 8 : 12).join(", ");
  const names = classes.length > 12 ? `${few} and ${classes.length - 8} more` : few;
  const as = classes.length ? ` as one of ${classes.length} classes: ${names}` : "";
  if (form.size !== undefined) {
    const kind = form.channels === 1 ? "grey pictures" : "pictures in colour";
    return `Reads ${kind} of ${form.size[1]} × ${form.size[0]} pixels${as}.`;
  }
  if (card.kind === "table") {
    const what = classes.length ? `tells ${form.target}: ${names}` : `predicts ${form.target}`;
    return `Reads rows of ${form.columns.length} columns and ${what}.`;
  }
  if (card.kind === "series") {
    const [ahead, before] = [stepsOf(form.step, form.horizon), stepsOf(form.step, form.window)];
    return `Forecasts ${form.target} for the next ${ahead} from the last ${before}.`;
  }
  const [{ shape }] = card.inputs;
  if (card.inputs.length > 1 || shape.length !== 1) return `Reads ${card.inputs.map(told).join("; ")}${as}.`;
  return `Reads ${shape[0] === 1 ? "a number" : `${shape[0]} numbers`}${as}.`;
}

function showModels(cards, shown) {
  const links = cards.map((card) => {
    const link = make("a", { href: `?model=${encodeURIComponent(card.name)}` }, card.name);
    if (card === shown) link.setAttribute("aria-current", "page");
    return link;
  });
  place("models").replaceChildren(...links);
  place("models").hidden = cards.length < 2;
}

function showFooter(card) {
  const link = (address, text) => make("a", { href: address }, text);
  const title = card.title === card.name ? "" : `Run ${card.title}. `;
  const version = card.version ? `Weights ${card.version}. ` : "";
  const open = wire.token ? [] : [
    link(`/models/${encodeURIComponent(card.name)}`, "This model as JSON"), " · ",
    link("/openapi.json", "OpenAPI"), " · ", link("/metrics", "Metrics"), " · ", link("/v2", "Open Inference Protocol"),
  ];
  place("footer").replaceChildren(`${title}${version}`, ...open);
  place("footer").hidden = false;
}

async function examplesOf(card) {
  const address = (number) => `/models/${encodeURIComponent(card.name)}/examples/${number}`;
  const count = card.form.size === undefined ? card.examples.length : Math.min(card.examples.length, SHOWN);
  const found = await Promise.all(Array.from({ length: count }, async (_, number) => {
    const response = await send(address(number)).catch(unlessMissing);
    if (response === null) return null;
    const binary = (response.headers.get("Content-Type") ?? "").startsWith("application/x-npy");
    return binary ? readNpy(await response.arrayBuffer()) : response.json();
  }));
  return found.filter((each) => each !== null);
}

// Examples that are too large are not there.
function unlessMissing(refusal) {
  if (refusal.status !== 404) throw refusal;
  return null;
}

async function start() {
  tokenOfAddress();
  watchCopy();
  const waiting = (sentence) => (place("about").textContent = sentence);
  const cards = await (await patiently("/models", waiting)).json();
  const wanted = new URLSearchParams(location.search).get("model");
  const card = cards.find((each) => each.name === wanted) ?? cards[0];
  document.title = `${card.name} · Stepwell`;
  place("title").textContent = card.name;
  place("about").textContent = aboutOf(card);
  showModels(cards, card);
  const examples = await examplesOf(card), view = viewOf(card), ask = asker(card);
  place("bench").hidden = false;
  place("bench").className = `bench ${view.name}`;
  view(card, place("ask"), examples, ask);
  watchPeek();
  showFooter(card);
}

start().catch((error) => {
  place("about").textContent = error.message;
  if (!(error instanceof Refusal)) throw error;
});
