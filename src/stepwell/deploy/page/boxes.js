// Boxes for text: the CSV of a series, or arrays as JSON.

function mountBox(card, box, examples, ask) {
  const asCsv = card.files.includes(".csv");
  const size = { rows: asCsv ? 8 : 12, wrap: "off" };
  const field = make("textarea", { id: "text", ...size, spellcheck: false, aria: { label: "Input" } });
  const send = () => (mark(null), ask(ofText(card, field.value, asCsv)));
  const soon = later(500);
  field.oninput = () => (mark(null), soon(send));
  const pick = (number) => {
    const request = ofKept(card, examples[number], number);
    if (!asCsv) field.value = pretty(request.body);
    ask(request);
  };
  const names = examples.map((_, number) => String(number + 1));
  const { element, mark } = chips(names, card.kind === "series" ? "Held-out windows" : "Held-out rows", pick);
  const take = async (file) => (mark(null), ask({ type: typeOf(file), body: file, file: file.name, settled: true }));
  const tools = asCsv ? [chooser("Choose a CSV file", card.files.join(","), take)] : [];
  const hint = asCsv ? csvHint(card) : `JSON: ${card.inputs.map(told).join("; ")}.`;
  const kept = examples.length ? [element] : [];
  box.append(...kept, note(hint), field, make("div", { className: "tools" }, ...tools, button("Ask", send)));
  if (asCsv) takeDrops(take);
  if (examples.length) element.querySelector("button").click();
  else ask({ nothing: asCsv ? "Choose or paste a file." : "Write an array." });
}

function csvHint(card) {
  const { target, window, time = [], columns = [] } = card.form;
  const names = [...time, target, ...columns].filter((name) => name !== undefined);
  const needs = window === undefined ? "" : ` with at least ${written(window)} rows`;
  const called = names.length > 1 ? `: ${names.join(", ")}` : "";
  return `Drop or paste a CSV file${needs}, as in training, with the first line naming its columns${called}.`;
}

function told(input) {
  const sizes = input.shape.map((size) => size ?? "any");
  return `${input.name}: ${input.dtype}${sizes.length ? `, ${sizes.join(" × ")}` : ""}`;
}

function ofText(card, text, asCsv) {
  if (!text.trim()) return { nothing: asCsv ? "Choose or paste a file." : "Write an array." };
  if (asCsv) return { type: "text/csv", body: text.endsWith("\n") ? text : `${text}\n`, settled: true };
  return { type: "application/json", body: text, settled: true };
}

// A kept row: an array, or several by name.
function ofKept(card, example, number) {
  const truth = card.examples[number];
  const told = card.kind === "series" || truth === undefined ? {} : { truth };
  if (example.values !== undefined) return ofArray(card, example.values, { ...told, example: number, settled: true });
  const body = example.inputs === undefined && example.rows === undefined ? { inputs: example } : example;
  const text = JSON.stringify(body), large = text.length > 8000 ? { example: number } : {};
  return { type: "application/json", body: text, ...large, ...told, settled: true };
}

const pretty = (text) => (typeof text === "string" ? text : "");
