// Asks for a reply and hands on what comes back, event by event. `Refused` is an answer that is no stream.

export class Refused extends Error {
  constructor(status, error, retryAfter) {
    super(error.message);
    Object.assign(this, { status, retryAfter, fields: error.details?.fields ?? {} });
  }
}

const STREAM = "text/event-stream";
const BUSY = { message: "That didn’t work just now. Please try again." };

// One block of an event stream; `null` for comments, which are signs of life and nothing else.
function parsed(block) {
  const event = { name: "message", data: "" };
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event.name = line.slice(6).trim();
    if (line.startsWith("data:")) event.data += line.slice(5);
  }
  return event.data ? { name: event.name, data: JSON.parse(event.data) } : null;
}

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const event of blocks.map(parsed)) if (event) yield event;
  }
}

// Yields {name, data}: `session`, `token`, then `done` or `error`; a stream that ends without either was cut off.
// `body` is plain data, or the fields of a form.
export async function* ask(endpoint, body, signal) {
  const isForm = body instanceof URLSearchParams;
  const answer = await fetch(endpoint, {
    method: "POST",
    headers: isForm ? { Accept: STREAM } : { "Content-Type": "application/json", Accept: STREAM },
    body: isForm ? body : JSON.stringify(body),
    signal,
  });
  if (!answer.ok) {
    const error = await answer.json().catch(() => BUSY);
    throw new Refused(answer.status, error, Number(answer.headers.get("Retry-After")) || 0);
  }
  yield* events(answer.body);
}
