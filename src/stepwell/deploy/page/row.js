// A row of a table to fill in: a field a column.

function rowForm(columns, changed) {
  const fields = columns.map((column, number) => ({ column, ...FIELDS[column.kind](column, `field-${number}`, changed) }));
  const boxes = fields.map((field, number) =>
    make(
      "div",
      { className: `field ${field.column.kind}` },
      make("label", { htmlFor: `field-${number}`, title: field.column.name }, field.column.name),
      ...field.parts,
      field.hint,
    ),
  );
  const read = () => Object.fromEntries(fields.map((field) => [field.column.name, field.read()]));
  const write = (row) => fields.forEach((field) => field.write(row[field.column.name] ?? null));
  return { element: make("div", { className: "fields" }, ...boxes), read, write };
}

// What the kept rows tell beside the card: which texts are numbers, how exact times are.
function columnsOf(card, rows) {
  return card.form.columns.map((column) => {
    const values = rows.map((row) => row[column.name]).filter((value) => value !== null && value !== undefined);
    const every = (test) => values.length > 0 && values.every(test);
    const dates = every((value) => /^\d{4}-\d\d-\d\d$/.test(value));
    const moments = every((value) => /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d/.test(value));
    return {
      ...column,
      numeric: every((value) => typeof value === "number"),
      whole: every(Number.isInteger) && Number.isInteger(column.low) && Number.isInteger(column.high),
      precision: dates ? "date" : moments ? "moment" : "text",
    };
  });
}

function usualRow(columns, rows) {
  const usual = (column) => {
    if (column.kind === "number") return Number(column.usual.toPrecision(12)); // 24.05, not 24.049999999999997
    const values = rows.map((row) => row[column.name] ?? null);
    const count = (value) => values.filter((each) => each === value).length;
    return values.length ? values.reduce((best, value) => (count(value) > count(best) ? value : best)) : column.usual;
  };
  return Object.fromEntries(columns.map((column) => [column.name, usual(column)]));
}

// The three ways to a row: usual values, a kept row, a field changed. The truth of a kept row is told until it is changed.
function mountForm(box, { columns, rows, truths, request, of }, ask) {
  const settled = later(350);
  const changed = (done) => {
    mark(null);
    ask(request(form.read(), undefined, false));
    if (done) settled(() => ask(request(form.read(), undefined, true)));
    else settled.stop();
  };
  const form = rowForm(columns, changed), usual = usualRow(columns, rows);
  const fill = (row, truth) => {
    form.write({ ...usual, ...row });
    ask(request(form.read(), truth, true));
  };
  const names = rows.map((_, number) => `${number + 1}`);
  const { element, mark } = chips(names, "Held-out rows", (number) => fill(rows[number], truths[number]));
  const begin = () => (mark(null), fill({}, undefined));
  const tools = make("div", { className: "tools" }, button("Usual values", begin), ...(rows.length ? [element] : []));
  box.append(note(`Each change is answered at once. Ranges are those of ${of}.`), tools, form.element);
  if (rows.length) element.querySelector("button").click();
  else begin();
}

function mountRow(card, box, examples, ask) {
  const rows = examples.map((each) => each.rows[0]);
  const body = (row) => JSON.stringify({ rows: [row] });
  const request = (row, truth, settled) => ({ type: "application/json", body: body(row), truth, settled });
  mountForm(box, { columns: columnsOf(card, rows), rows, truths: card.examples, request, of: "the training rows" }, ask);
}

// Plain numbers are columns too, whose ranges are those of the kept rows.
function mountFeatures(card, box, examples, ask) {
  const [{ shape, dtype }] = card.inputs, exact = exactOf(dtype);
  const names = Array.from({ length: shape[0] }, (_, column) => `number ${column + 1}`);
  const rows = examples.map((each) => Object.fromEntries(names.map((name, column) => [name, exact(each.values[column])])));
  const columns = names.map((name) => {
    const values = rows.length ? rows.map((row) => row[name]) : [0, 1];
    const bounds = { low: Math.min(...values), high: Math.max(...values) };
    return { name, kind: "number", usual: median(values), ...bounds, whole: false };
  });
  const request = (row, truth, settled) => ofArray(card, names.map((name) => row[name] ?? 0), { truth, settled });
  mountForm(box, { columns, rows, truths: card.examples, request, of: "the held-out rows" }, ask);
}
