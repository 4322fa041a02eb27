// The server: requests with the token, and its errors as sentences.

class Refusal extends Error {
  constructor(status, sentence, after) {
    super(sentence);
    this.status = status;
    this.after = after;
  }
}

const KEPT = "stepwell-token";
const wire = { token: sessionStorage.getItem(KEPT) ?? "", asked: null };

function tokenOfAddress() {
  const found = /^#token=(.+)$/.exec(location.hash);
  if (found === null) return;
  keepToken(decodeURIComponent(found[1]));
  history.replaceState(null, "", location.pathname + location.search);
}

function keepToken(token) {
  wire.token = token;
  sessionStorage.setItem(KEPT, token);
}

async function sentenceOf(response) {
  const text = await response.text();
  try {
    return String(JSON.parse(text).error);
  } catch {
    return text.slice(0, 300) || `The server answered with the status ${response.status}.`;
  }
}

async function send(path, options = {}) {
  const headers = { ...options.headers };
  if (wire.token) headers.Authorization = `Bearer ${wire.token}`;
  const response = await fetch(path, { ...options, headers }).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "The server does not answer. Is it still running?");
  });
  if (response.status === 401) {
    await askToken(Boolean(wire.token));
    return send(path, options);
  }
  if (response.ok) return response;
  throw new Refusal(response.status, await sentenceOf(response), Number(response.headers.get("Retry-After")));
}

// One form for all requests that wait for a token.
function askToken(wrong) {
  if (wire.asked !== null) return wire.asked;
  const form = place("token"), field = place("token-field");
  place("token-wrong").hidden = !wrong;
  form.hidden = false;
  field.value = "";
  field.focus();
  wire.asked = new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      keepToken(field.value.trim());
      form.hidden = true;
      wire.asked = null;
      resolve();
    };
  });
  return wire.asked;
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

// While a server loads its models it says 503 and when to come again.
async function patiently(path, waiting) {
  for (;;) {
    try {
      return await send(path);
    } catch (refusal) {
      if (refusal.status !== 503) throw refusal;
      waiting(refusal.message);
      await pause(Math.min(refusal.after || 1, 5));
    }
  }
}
