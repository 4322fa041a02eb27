// Asking the server: one request at a time, always for the newest input; explanations once the input has settled.

function asker(card) {
  let waiting = null, busy = false, explaining = new AbortController();
  const run = async () => {
    while (waiting !== null) {
      const request = waiting;
      waiting = null;
      explaining = new AbortController();
      await answerTo(card, request, explaining.signal).catch(failed);
    }
    busy = false;
  };
  const failed = (error) => {
    if (error.name === "AbortError") return;
    if (!(error instanceof Refusal)) console.error(error);
    if (waiting === null) showWrong(error);
  };
  const ask = (request) => {
    waiting = request;
    explaining.abort(); // a new answer does not wait for the explanation of the one before
    if (!busy) (busy = true), run();
  };
  return ask;
}

// `outdated` is a signal, aborted once there is a newer input.
async function answerTo(card, request, outdated) {
  if (request.nothing !== undefined) return showNothing(request.nothing);
  const begun = performance.now(), name = encodeURIComponent(card.name);
  const headers = { "Content-Type": request.type, Accept: "application/json" };
  const options = { method: "POST", headers, body: request.body };
  const response = await send(`/predict/${name}`, options);
  const said = await response.json();
  const times = { whole: performance.now() - begun, model: Number(response.headers.get("X-Compute-Ms")) };
  showAnswer(card, said, times, request.truth);
  showCommand(card, request);
  if (card.unexplained || outdated.aborted) return;
  if (said.answers.length > 1) return showUnexplained(said.answers.length);
  if (request.settled) await explain(card, `/explain/${name}`, { ...options, signal: outdated });
}

async function explain(card, address, options) {
  try {
    const found = await (await send(address, options)).json();
    showExplanation(found.explanation ?? found);
  } catch (error) {
    if (error.status !== 422) throw error;
    card.unexplained = true; // there is no explanation for such models
    place("seen").hidden = true;
  }
}

const LARGE = 4096; // numbers from which an array is sent as a file

// A request for one array without its batch dimension: short ones as JSON, which people can read in the command.
function ofArray(card, values, { example, ...more }) {
  const [input] = card.inputs, shape = input.shape.map((size) => size ?? values.length);
  const numbers = values.map(exactOf(input.dtype));
  if (numbers.length <= LARGE) {
    return { type: "application/json", body: JSON.stringify({ inputs: [nested(numbers, shape)] }), ...more };
  }
  const body = writeNpy(numbers, [1, ...shape], input.dtype);
  const source = example === undefined ? { file: "input.npy", save: true } : { example };
  return { type: "application/x-npy", body, ...source, ...more };
}
