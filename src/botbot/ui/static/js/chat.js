// <preview-chat>: the form it wraps works without it; with it, the reply streams in. Text from the model is only ever
// set as text, and its formatting is rebuilt from elements, never parsed as HTML.

const INLINE = /\*\*(.+?)\*\*|__(.+?)__|\*([^\s*][^*]*)\*|\b_([^_]+)_\b|`([^`]+)`/g;
const TAGS = ["strong", "strong", "em", "em", "code"];

function inline(text, into) {
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    into.append(text.slice(from, found.index));
    const which = found.slice(1).findIndex((part) => part !== undefined);
    const made = document.createElement(TAGS[which]);
    made.textContent = found[which + 1];
    into.append(made);
    from = found.index + found[0].length;
  }
  into.append(text.slice(from));
  return into;
}

function list(lines) {
  const made = document.createElement(/^\d/.test(lines[0]) ? "ol" : "ul");
  for (const line of lines) made.append(inline(line.replace(/^([-*•]|\d+[.)])\s+/, ""), document.createElement("li")));
  return made;
}

function formatted(text) {
  const made = document.createDocumentFragment();
  for (const block of text.trim().split(/\n{2,}/)) {
    const lines = block.split("\n");
    if (lines.every((line) => /^([-*•]|\d+[.)])\s+/.test(line))) made.append(list(lines));
    else {
      const paragraph = document.createElement("p");
      lines.forEach((line, index) => inline(line, index ? (paragraph.append(document.createElement("br")), paragraph) : paragraph));
      made.append(paragraph);
    }
  }
  return made;
}

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { name: "message", data: "" };
      for (const line of block.split("\n")) {
        if (line.startsWith("event:")) event.name = line.slice(6).trim();
        if (line.startsWith("data:")) event.data += line.slice(5);
      }
      if (event.data) yield { name: event.name, data: JSON.parse(event.data) };
    }
  }
}

const CUT_OFF = { message: "The reply broke off. Please try again." };
const UNREACHED = { message: "I can’t reach the shop. Are you online?" };

class PreviewChat extends HTMLElement {
  connectedCallback() {
    this.reasons = JSON.parse(this.dataset.reasons);
    this.composer = this.querySelector("[data-composer]");
    this.field = this.composer.elements.message;
    this.messages = this.querySelector("[data-messages]");
    this.scroller = this.querySelector("[data-scroll]");
    this.composer.addEventListener("submit", (event) => this.submit(event, this.field.value));
    this.querySelector("[data-suggestions]")?.addEventListener("submit", (event) => this.submit(event, event.submitter?.value ?? ""));
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.running) { event.preventDefault(); event.stopPropagation(); this.running.abort(); }
    });
    this.querySelector("[data-stop]").addEventListener("click", () => this.running?.abort());
    this.toBottom(true);
  }

  disconnectedCallback() {
    this.running?.abort();
    clearInterval(this.countdown);
  }

  key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.composer.requestSubmit();
  }

  submit(event, text) {
    event.preventDefault();
    if (this.running || !text.trim()) return;
    this.field.value = "";
    this.querySelector("[data-suggestions]")?.remove();
    this.add("user").text.textContent = text.trim();
    this.ask(text.trim());
  }

  add(role) {
    const made = this.querySelector(`[data-turn="${role}"]`).content.cloneNode(true);
    const item = made.querySelector(".message");
    this.messages.append(item);
    this.toBottom(true);
    return { item, text: item.querySelector(".message__text"), body: item.querySelector(".message__body") };
  }

  async ask(message) {
    const turn = this.add("assistant");
    turn.text.append(this.querySelector("[data-typing]").content.cloneNode(true));
    this.toBottom(true);
    this.busy(new AbortController());
    const said = { text: "" };
    try {
      await this.stream(message, turn, said, this.running.signal);
    } catch (problem) {
      if (problem.name === "AbortError") this.finish(turn, said.text, "stopped");
      else this.fail(turn, message, said.text, said.text ? CUT_OFF : UNREACHED);
    }
    this.busy(null);
  }

  async stream(message, turn, said, signal) {
    const answer = await fetch(this.dataset.endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify(this.sessionId ? { message, sessionId: this.sessionId } : { message }),
      signal,
    });
    if (!answer.ok) return this.fail(turn, message, "", await answer.json().catch(() => UNREACHED), Number(answer.headers.get("Retry-After")));
    for await (const { name, data } of events(answer.body)) {
      if (name === "session") this.sessionId = data.sessionId;
      if (name === "token") this.token(turn, said, data.text);
      if (name === "done") return this.finish(turn, said.text, data.source, data.reason);
      if (name === "error") return this.fail(turn, message, said.text, data);
    }
    return this.fail(turn, message, said.text, CUT_OFF);
  }

  token(turn, said, text) {
    if (!said.text) turn.text.replaceChildren();
    said.text += text;
    const follow = this.isAtBottom();
    turn.text.append(text);
    this.toBottom(follow);
  }

  finish(turn, text, source, reason) {
    const follow = this.isAtBottom();
    turn.text.replaceChildren(formatted(text || "…"));
    if (source === "sample") this.note(turn, `Sample reply: ${this.reasons[reason] ?? "written by its author"}`);
    if (source === "stopped") this.note(turn, "You stopped this reply.");
    this.toBottom(follow);
    this.querySelector("[data-live]").textContent = `${this.dataset.name}: ${text}`;
  }

  fail(turn, message, text, error, wait = 0) {
    turn.text.replaceChildren(...(text ? [formatted(text)] : []));
    const notice = document.createElement("p");
    notice.textContent = error.message ?? CUT_OFF.message;
    notice.setAttribute("role", "alert");
    turn.item.classList.add("message--wrong");
    turn.text.append(notice);
    const retry = Object.assign(document.createElement("button"), { type: "button", className: "button message__retry" });
    retry.addEventListener("click", () => { clearInterval(this.countdown); turn.item.remove(); this.field.focus(); this.ask(message); });
    turn.body.append(retry);
    this.retryIn(retry, wait || Number(error.details?.retryAfter) || 0);
    this.toBottom(true);
  }

  retryIn(button, seconds) {
    const until = Date.now() + seconds * 1000;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      button.disabled = left > 0;
      button.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
      if (left <= 0) clearInterval(this.countdown);
    };
    clearInterval(this.countdown);
    this.countdown = setInterval(tick, 1000);
    tick();
  }

  note(turn, text) {
    turn.body.append(Object.assign(document.createElement("p"), { className: "message__note", textContent: text }));
  }

  busy(running) {
    this.running = running;
    this.querySelector("[data-send]").hidden = Boolean(running);
    this.querySelector("[data-stop]").hidden = !running;
  }

  isAtBottom() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 48;
  }

  toBottom(follow) {
    if (follow) this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}

customElements.define("preview-chat", PreviewChat);
