// Elements of the page.

const place = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

function make(tag, properties = {}, ...children) {
  const { data = {}, aria = {}, ...rest } = properties;
  const made = Object.assign(document.createElement(tag), rest);
  Object.assign(made.dataset, data);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(name === "role" ? name : `aria-${name}`, value);
  made.append(...children);
  return made;
}

function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const button = (text, act, kind = "") => make("button", { type: "button", className: kind, onclick: act }, text);
const note = (...text) => make("p", { className: "note" }, ...text);

// Numbers as people read them.
function written(value) {
  if (typeof value !== "number") return value === null ? "nothing" : String(value);
  return plain(value).replace("-", "\u2212");
}

function plain(value) {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en-US");
  const size = Math.abs(value);
  return size >= 1e4 && size < 1e9 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(4)));
}

function percent(share) {
  if (share > 0.9995 && share < 1) return "> 99.9 %";
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  return `${(100 * share).toFixed(1)} %`;
}

function duration(milliseconds) {
  if (milliseconds < 1) return `${milliseconds.toFixed(2)} ms`;
  if (milliseconds < 10) return `${milliseconds.toFixed(1)} ms`;
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

const unfolded = new Set(); // names of what somebody opened, which stays open for the next answer

function folded(name, title, ...inside) {
  const made = make("details", { open: unfolded.has(name) }, make("summary", {}, title), ...inside);
  made.ontoggle = () => (made.open ? unfolded.add(name) : unfolded.delete(name));
  return made;
}

// A choice of a few, of which one is pressed.
function choices(names, label, choose) {
  const pressed = (chosen) => buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === chosen)));
  const buttons = names.map(([name, text]) => {
    const act = (event) => (pressed(event.currentTarget), choose(name));
    return button(text, act, "choice");
  });
  pressed(buttons[0]);
  return make("div", { className: "choices", aria: { role: "group", label } }, ...buttons);
}
