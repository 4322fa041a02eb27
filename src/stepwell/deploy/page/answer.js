// The answer to one row, whatever it is.

const AT_ONCE = 8, MOST_VALUES = 400;

function showAnswer(card, said, times, truth) {
  const answer = said.answers[0];
  const shown = answer.probabilities ? classAnswer(answer, truth) : valueAnswer(card, answer, truth);
  place("says").replaceChildren(...shown);
  place("says").classList.remove("waiting");
  const model = times.model > 0 ? `, ${duration(times.model)} of it in the model` : "";
  const more = said.answers.length > 1 ? ` The first of ${written(said.answers.length)} answers is shown.` : "";
  place("time").textContent = `Answered in ${duration(times.whole)}${model}.${more}`;
  const notes = (said.notes ?? []).map((each) => make("li", {}, each));
  place("notes").replaceChildren(...notes);
  place("notes").hidden = !notes.length;
  place("wrong").hidden = true;
}

function classAnswer(answer, truth) {
  const sure = percent(answer.probabilities[answer.label]);
  return [headline(answer.label, `${sure} sure`, truth), ...classBars(answer)];
}

function headline(text, remark, truth) {
  place("peek").replaceChildren(make("b", {}, text), make("span", {}, remark));
  const told = truth === undefined ? remark : `${remark}; it is ${truth === text ? "indeed" : "in truth"} ${truth}`;
  const className = String(text).length > 12 ? "says long" : "says";
  return make("p", { className }, make("b", {}, text), make("span", {}, told));
}

function valueAnswer(card, answer, truth) {
  const values = Object.entries(answer.values), [[first, value]] = values;
  const name = card.form.target ?? first;
  if (values.length === 1) {
    const real = truth === undefined ? name : `${name}; in truth it is ${written(Number(truth))}`;
    return [headline(written(value), real)];
  }
  const rows = values.slice(0, MOST_VALUES).map(([each, number], step) => {
    const called = card.kind === "series" ? `${stepsOf(card.form.step, step + 1)} ahead` : each;
    return make("tr", {}, make("th", { scope: "row" }, called), make("td", { className: "num" }, written(number)));
  });
  const title = () => headline(name, `the next ${stepsOf(card.form.step, values.length)}`);
  return [...(card.kind === "series" ? [title()] : []), ...valueTables(rows, values.length)];
}

// The first values, and those after them folded away.
function valueTables(rows, count) {
  const table = (some) => make("div", { className: "scroll" }, make("table", {}, make("tbody", {}, ...some)));
  if (count <= AT_ONCE + 2) return [table(rows)]; // there is no sense in hiding two lines behind one
  const left = count - rows.length;
  const others = left > 0 ? [note(`${written(left)} more, which the answer as JSON has.`)] : [];
  const more = folded("values", `${written(count - AT_ONCE)} more`, table(rows.slice(AT_ONCE)), ...others);
  return [table(rows.slice(0, AT_ONCE)), more];
}

function showWrong(error) {
  place("peek").replaceChildren();
  place("wrong").replaceChildren(make("b", {}, "No answer"), ` ${error.message}`);
  place("wrong").hidden = false;
  place("says").classList.add("waiting");
  place("seen").hidden = true;
  place("time").textContent = "";
  place("notes").hidden = true;
}

function showNothing(text) {
  place("peek").replaceChildren();
  place("says").replaceChildren(make("p", { className: "empty" }, text));
  place("says").classList.remove("waiting");
  for (const id of ["wrong", "notes", "seen", "same"]) place(id).hidden = true;
  place("time").textContent = "";
}

// On a phone the answer may lie below what is being filled in: its first line is then shown at the edge.
function watchPeek() {
  const peek = place("peek");
  peek.onclick = () => place("answer").scrollIntoView({ behavior: "smooth" });
  const below = (entry) => !entry.isIntersecting && entry.boundingClientRect.top > 0;
  const watch = new IntersectionObserver(([entry]) => (peek.hidden = !below(entry)), { rootMargin: "0px 0px -90px" });
  watch.observe(place("says"));
}
