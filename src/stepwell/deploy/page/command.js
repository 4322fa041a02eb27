// The curl command that asks what the page asked.

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function commandOf(card, request) {
  const address = `${location.origin}/predict/${encodeURIComponent(card.name)}`;
  const token = wire.token ? ' \\\n  -H "Authorization: Bearer $TOKEN"' : "";
  const kind = ` \\\n  -H ${quoted(`Content-Type: ${request.type}`)}`;
  if (request.example !== undefined) {
    const source = `${location.origin}/models/${encodeURIComponent(card.name)}/examples/${request.example}`;
    return `curl -s ${quoted(source)}${token} |\n  curl -s ${quoted(address)}${token}${kind} \\\n  --data-binary @-`;
  }
  const body = () => `--data-raw ${quoted(request.body)}`; // with -d, a text that begins with @ would be a file's name
  const data = request.file === undefined ? body() : `--data-binary ${quoted(`@${request.file}`)}`;
  return `curl -s ${quoted(address)}${token}${kind} \\\n  ${data}`;
}

function showCommand(card, request) {
  place("command").textContent = commandOf(card, request);
  const text = place("command-note");
  text.textContent = wire.token ? "Put the server's token into the variable TOKEN first." : "";
  if (request.save !== undefined) text.append(saved(request));
  place("same").hidden = false;
}

// What was made here and is no file yet.
function saved(request) {
  const link = make("a", { href: URL.createObjectURL(request.body), download: request.file }, `Save ${request.file}`);
  return make("span", {}, link, ", which this page made of what you gave, beside the terminal.");
}

function watchCopy() {
  const copy = place("copy");
  copy.onclick = async () => {
    const done = await copied(place("command"));
    copy.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  };
}

// Browsers give the clipboard to pages of localhost and of https alone; elsewhere the text is marked.
async function copied(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return false;
  }
}
