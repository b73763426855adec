// <preview-chat>: the form it wraps works without it; with it, the reply streams in. Text from the model is only ever
// set as text, and its formatting is rebuilt from elements, never parsed as HTML.

import { Left, enableIn } from "asset:chat_limits.js";
import { Refused, ask } from "asset:chat_stream.js";
import { Turn, copy } from "asset:chat_turn.js";
import { Setting } from "asset:setting.js";

const CUT_OFF = "The reply broke off. Please try again.";
const UNREACHED = "I can’t reach the shop. Are you online?";
const FORGOTTEN = "It no longer knows what was said above: a preview is kept for an hour, and not across a restart. It goes on from here.";
const REFUSAL = "This shop won’t let that be talked about. Nothing of it is kept.";
const PATIENCE = 10_000;
const time = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const byTouch = () => matchMedia("(pointer: coarse)").matches;

class PreviewChat extends HTMLElement {
  connectedCallback() {
    if (this.composer) return;
    this.reasons = JSON.parse(this.dataset.reasons);
    for (const name of ["composer", "messages", "scroller", "suggestions", "send", "stop", "live", "asides", "left", "newest", "restart"]) {
      this[name] = this.querySelector(`[data-${name}]`);
    }
    this.field = this.composer.elements.message;
    this.sessionId = this.composer.elements.session.value || null;
    this.setting = new Setting(this, (isOpen) => (isOpen ? this.scroller.scrollTo(0, 0) : this.follow(true)));
    this.limit = new Left(this.left, (text) => this.mention(text));
    this.fresh = [...this.messages.children].slice(0, 1).map((each) => each.cloneNode(true));
    this.listen();
    this.welcome();
  }

  disconnectedCallback() {
    this.running?.abort();
    this.ended.abort();
    this.limit.end();
    clearTimeout(this.patience);
  }

  listen() {
    this.ended = new AbortController();
    const { signal } = this.ended;
    this.composer.addEventListener("submit", (event) => this.submit(event, this.field.value));
    this.suggestions?.addEventListener("submit", (event) => this.submit(event, event.submitter?.value ?? ""));
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.stop.addEventListener("click", () => this.running?.abort());
    this.restart.addEventListener("click", (event) => { event.preventDefault(); this.startOver(); });
    this.newest.addEventListener("click", () => { this.follow(true); this.scroller.focus({ preventScroll: true }); });
    this.scroller.addEventListener("scroll", () => this.showNewest(), { passive: true });
    // Wherever the focus is: while a reply comes, Escape stops it and closes nothing.
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.running || this.isCovered()) return;
      event.preventDefault();
      event.stopPropagation();
      this.running.abort();
    }, { capture: true, signal });
  }

  // What the server drew gets what only a script can offer.
  welcome() {
    for (const item of this.messages.querySelectorAll(".message")) {
      const turn = new Turn(item);
      if (item.matches(".message--app:not(.message--refused)")) this.equip(turn);
    }
    const asked = [...this.messages.querySelectorAll(".message:not(.message--app)")].at(-1);
    this.last = asked && { message: asked.dataset.said, isKnown: true };
    this.offer();
    this.follow(true);
  }

  // Below a dialog that is not its own, as the one for reports: Escape is for that.
  isCovered() {
    return [...document.querySelectorAll("dialog:modal")].some((each) => !each.contains(this));
  }

  key(event) {
    // Safari ends a composition before the Enter that ended it; only the old code tells them apart.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.composer.requestSubmit();
  }

  submit(event, text) {
    if (event.submitter?.name === "action" && event.submitter.value !== "send") return;
    event.preventDefault();
    if (this.running || !text.trim()) return;
    this.field.value = "";
    const turn = this.add("user");
    const { speaker } = this.setting;
    turn.user(text.trim(), speaker);
    this.last = { message: text.trim(), speaker, item: turn.item, name: speaker || turn.item.querySelector(".message__name").textContent };
    this.ask();
  }

  add(role) {
    const made = this.querySelector(`[data-turn="${role}"]`).content.cloneNode(true);
    const turn = new Turn(made.querySelector(".message"));
    this.messages.append(turn.item);
    this.follow(true);
    return turn;
  }

  // Asks for the reply to the last message; `replaced` is the reply that a new one takes the place of.
  ask(replaced = null) {
    for (const old of this.messages.querySelectorAll(".message__retry")) old.remove(); // it would ask for this one
    replaced?.remove();
    const turn = this.add("assistant");
    turn.replaced = replaced;
    if (this.setting.isSet && this.last.name) turn.answers(this.last.name, this.last.item.querySelector(".message__text").textContent, Boolean(this.last.speaker));
    turn.typing(this.querySelector("[data-typing]").content.cloneNode(true));
    this.follow(true);
    this.asking = this.attend(turn);
  }

  async attend(turn) {
    const running = new AbortController();
    this.busy(running);
    try {
      await this.hear(turn, this.body(), running.signal);
    } catch (problem) {
      this.stumble(turn, problem);
    }
    if (this.running !== running) return; // another one was asked meanwhile
    clearTimeout(this.patience);
    this.busy(null);
    this.offer();
  }

  // What has reached the server before is answered again and not said twice.
  body() {
    const { message, speaker, isKnown } = this.last;
    const setting = this.setting.isSet && this.setting.value;
    return {
      message,
      ...(isKnown && { regenerate: true }),
      ...(this.sessionId && { sessionId: this.sessionId }),
      ...(setting && { setting }),
      ...(speaker && { speaker }),
    };
  }

  async hear(turn, body, signal) {
    this.wait(turn);
    for await (const { name, data } of ask(this.dataset.endpoint, body, signal)) {
      if (name === "session") this.met(turn, data);
      if (name === "token") this.token(turn, data.text);
      if (name === "done") return this.done(turn, data);
      if (name === "error") return this.fail(turn, data.message, Number(data.details?.retryAfter) || 0);
    }
    return this.fail(turn, CUT_OFF);
  }

  // Our own clock: dots are never shown for longer than this. What comes late is still welcome.
  wait(turn) {
    clearTimeout(this.patience);
    this.patience = setTimeout(() => {
      const words = `${this.dataset.name} has been silent for ${PATIENCE / 1000} seconds. It may still come, or you try again.`;
      turn.quiet(words);
      turn.late = turn.button("Try again", "button message__retry", () => this.again(turn));
      this.say(words);
      this.follow(this.isAtBottom());
    }, PATIENCE);
  }

  again(turn) {
    this.running?.abort();
    this.running = null;
    turn.item.remove();
    this.ask(turn.replaced);
    this.stop.focus();
  }

  met(turn, { sessionId, remaining, resetAfterSeconds }) {
    if (this.sessionId && sessionId !== this.sessionId && this.messages.children.length > 3) {
      const line = Object.assign(document.createElement("li"), { className: "chat__gap", textContent: FORGOTTEN });
      (this.last.item ?? turn.item).before(line);
    }
    this.sessionId = sessionId;
    this.last.isKnown = true;
    this.composer.elements.session.value = sessionId;
    if (remaining !== undefined) this.limit.show(remaining, resetAfterSeconds ?? 60);
  }

  token(turn, text) {
    const follow = this.isAtBottom();
    turn.late?.remove();
    turn.add(text);
    this.follow(follow);
    this.wait(turn);
  }

  done(turn, { source, reason, resetAt }) {
    const follow = this.isAtBottom();
    turn.late?.remove();
    if (reason === "blocked") this.refuse(turn);
    else if (!turn.said.trim()) return this.fail(turn, CUT_OFF);
    else {
      turn.end();
      if (source === "sample") turn.mark("Sample reply", this.why(reason, resetAt));
      this.equip(turn);
    }
    this.follow(follow);
    return this.say(`${this.dataset.name}: ${turn.text.innerText}`);
  }

  // What was shown before the refusal goes with it.
  refuse(turn) {
    turn.end(turn.said.slice(turn.said.lastIndexOf("\n\n") + 1).trim());
    turn.item.classList.add("message--refused");
    turn.mark("Not answered", REFUSAL);
  }

  why(reason, resetAt) {
    const words = this.reasons[reason] ?? "written by its author";
    return resetAt ? `${words}; they are back at ${time(resetAt)}` : words;
  }

  stumble(turn, problem) {
    turn.late?.remove();
    if (problem.name === "AbortError") return this.halt(turn);
    if (turn.replaced && !turn.said) turn.item.before(turn.replaced);
    if (problem instanceof Refused) return this.fail(turn, problem.message, problem.retryAfter);
    return this.fail(turn, turn.said ? CUT_OFF : UNREACHED);
  }

  halt(turn) {
    if (!turn.item.isConnected) return;
    if (turn.said) turn.end();
    else if (turn.replaced) {
      turn.item.replaceWith(turn.replaced);
      return;
    } else turn.text.replaceChildren();
    turn.note("You stopped this reply.");
    this.equip(turn);
    this.say("Stopped.");
  }

  fail(turn, message, wait = 0) {
    turn.late?.remove();
    if (turn.said) turn.end();
    turn.wrong(message);
    const retry = turn.button("", "button message__retry", () => this.again(turn));
    enableIn(retry, wait, (text) => this.mention(text));
    this.follow(true);
  }

  equip(turn) {
    const tools = turn.tools(this.querySelector("[data-tools]"));
    tools.querySelector("[data-copy]").addEventListener("click", (event) => this.copied(event.currentTarget, turn));
    tools.querySelector("[data-again]").addEventListener("click", () => this.repeat(turn));
    if (!turn.said) tools.querySelector("[data-copy]").remove();
  }

  async copied(button, turn) {
    const worked = await copy(turn.said.trim(), turn.item);
    const words = button.querySelector("[data-words]");
    words.textContent = worked ? "Copied" : "Not allowed here";
    this.say(worked ? "Copied." : "This browser doesn’t let me copy.");
    setTimeout(() => { words.textContent = "Copy"; }, 2000);
  }

  // Another reply to the last message.
  repeat(turn) {
    if (this.running || !this.last) return;
    this.ask(turn.item);
    this.stop.focus();
  }

  // Only the newest reply can be given again, and one can start over once something was said.
  offer() {
    const apps = [...this.messages.querySelectorAll(".message--app")];
    const hasTalked = Boolean(this.last);
    apps.forEach((each, n) => {
      const button = each.querySelector("[data-again]");
      if (button) button.hidden = !hasTalked || n < apps.length - 1;
    });
    this.restart.hidden = !hasTalked;
    if (this.suggestions) this.suggestions.hidden = hasTalked;
  }

  async startOver() {
    this.running?.abort();
    await this.asking; // what is undone later is a reply that has ended
    const before = { nodes: [...this.messages.childNodes], sessionId: this.sessionId, last: this.last };
    this.begin(this.fresh.map((each) => each.cloneNode(true)), null, null);
    for (const item of this.messages.querySelectorAll(".message--app")) this.equip(new Turn(item));
    this.offer();
    this.field.focus();
    this.say("Started over.");
    const undo = () => { this.begin(before.nodes, before.sessionId, before.last); this.field.focus(); };
    document.dispatchEvent(new CustomEvent("botbot:toast", { detail: { text: "Started over.", undo } }));
  }

  begin(nodes, sessionId, last) {
    this.running?.abort();
    this.messages.replaceChildren(...nodes);
    Object.assign(this, { sessionId, last });
    this.composer.elements.session.value = sessionId ?? "";
    this.offer();
    this.follow(true);
  }

  // The focus goes over from the button that vanishes to the one that comes.
  busy(running) {
    const held = [this.send, this.stop].includes(document.activeElement);
    this.running = running;
    this.send.hidden = Boolean(running);
    this.stop.hidden = !running;
    if (running) {
      this.live.textContent = "";
      if (held || !this.contains(document.activeElement)) this.stop.focus();
      if (this.suggestions) this.suggestions.hidden = true;
    } else if (held) (byTouch() ? this.send : this.field).focus();
  }

  say(text) {
    this.live.textContent = text;
  }

  // On a line of its own, so that it is never said instead of a reply.
  mention(text) {
    this.asides.textContent = text;
  }

  isAtBottom() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 48;
  }

  follow(isWanted) {
    if (isWanted) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.showNewest();
  }

  showNewest() {
    const hide = this.isAtBottom();
    if (hide && this.newest === document.activeElement) this.scroller.focus({ preventScroll: true });
    this.newest.hidden = hide;
  }
}

customElements.define("preview-chat", PreviewChat);
