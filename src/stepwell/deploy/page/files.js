// Files that are chosen, dropped or pasted, and rows of buttons for what is kept.

const TYPES = {
  ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".bmp": "image/bmp",
  ".gif": "image/gif", ".tif": "image/tiff", ".tiff": "image/tiff", ".csv": "text/csv",
  ".json": "application/json", ".npy": "application/x-npy",
};
const suffixOf = (name) => (/\.[^.]+$/.exec(name.toLowerCase()) ?? [""])[0];
const typeOf = (file) => TYPES[suffixOf(file.name)] ?? (file.type || "application/octet-stream");

function chooser(text, accept, take) {
  const field = make("input", { type: "file", accept, className: "unseen", id: "file" });
  field.onchange = () => {
    if (field.files.length) take(field.files[0]);
    field.value = "";
  };
  return make("span", { className: "chooser" }, field, make("label", { htmlFor: "file", className: "button" }, text));
}

function takeDrops(take) {
  const over = (event, on) => (event.preventDefault(), document.body.classList.toggle("over", on));
  addEventListener("dragover", (event) => over(event, true));
  addEventListener("dragleave", (event) => event.relatedTarget === null && over(event, false));
  addEventListener("drop", (event) => {
    over(event, false);
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file !== undefined) event.preventDefault(), take(file);
  });
}

// A row of small buttons, of which one is pressed; `mark` presses one, or none.
function chips(names, label, choose) {
  const buttons = names.map((name, number) => button(name, () => (mark(number), choose(number)), "chip"));
  const mark = (chosen) => pressOnly(buttons, chosen);
  mark(null);
  const element = make("div", { className: "chips", aria: { role: "group", label } }, make("span", {}, label), ...buttons);
  return { element, mark };
}

function pressOnly(buttons, chosen) {
  buttons.forEach((each, number) => each.setAttribute("aria-pressed", String(number === chosen)));
}

// Something that is done once nothing new has come for a while.
function later(milliseconds) {
  let waiting = 0;
  const start = (act) => {
    clearTimeout(waiting);
    waiting = setTimeout(act, milliseconds);
  };
  return Object.assign(start, { stop: () => clearTimeout(waiting) });
}
