// Fields for numbers: one to type into, and a slider over the range of the training rows.

// What a slider gives, in as many digits as people read.
const precise = (value) => String(Number(value.toPrecision(6)));

// A step of about a hundredth of the range; 1 where all numbers are whole.
function stepOf(low, high, whole) {
  if (whole) return 1;
  const span = high - low;
  return span > 0 ? 10 ** Math.floor(Math.log10(span / 50)) : 1;
}

function numberField(column, id, changed) {
  const { low, high } = column, step = stepOf(low, high, column.whole);
  const field = make("input", { id, type: "number", step: "any", inputMode: "decimal", autocomplete: "off" });
  const range = { type: "range", min: low, max: high, step, tabIndex: -1, aria: { hidden: "true" } };
  const slider = make("input", range);
  const follow = () => (slider.value = field.value === "" ? (low + high) / 2 : field.value);
  field.oninput = () => (follow(), changed(true));
  slider.oninput = () => ((field.value = precise(Number(slider.value))), changed(false));
  slider.onchange = () => changed(true);
  const read = () => (field.value === "" ? null : Number(field.value));
  const write = (value) => ((field.value = value === null ? "" : String(Number(value))), follow());
  const hint = make("small", {}, low === high ? "" : `${written(low)} to ${written(high)}`);
  return { parts: [field, ...(low < high ? [slider] : [])], hint, read, write };
}

function levelField(column, id, changed) {
  const options = column.levels.map((level) => make("option", { value: level }, level));
  const unknown = make("option", { value: "" }, "not known");
  const field = make("select", { id, onchange: () => changed(true) }, ...options, unknown);
  const read = () => (field.value === "" ? null : column.numeric ? Number(field.value) : field.value);
  const write = (value) => (field.value = levelOf(column, value));
  return { parts: [field], hint: "", read, write };
}

// A level by its name: 1 and 1.0 are the same.
function levelOf(column, value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "boolean" ? String(value) : String(value).replace(/^(-?\d+)\.0$/, "$1");
  return column.levels.includes(text) ? text : "";
}

function timeField(column, id, changed) {
  const type = { date: "date", moment: "datetime-local", text: "text" }[column.precision];
  const field = make("input", { id, type, step: type === "datetime-local" ? 60 : "any", oninput: () => changed(true) });
  const read = () => (field.value === "" ? null : field.value.replace("T", " "));
  const local = (text) => (type === "datetime-local" ? text.slice(0, 16).replace(" ", "T") : text);
  const write = (value) => (field.value = local(String(value ?? "")));
  return { parts: [field], hint: "", read, write };
}

const FIELDS = { number: numberField, category: levelField, time: timeField };
