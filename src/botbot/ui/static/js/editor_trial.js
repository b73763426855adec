// The draft answers beside its form, as it stands there at that moment; what was said travels with each message, because
// nothing of it is kept anywhere.

import { ask, Refused } from "asset:chat_stream.js";
import { draw, settled } from "asset:markdown.js";

const CUT_OFF = "The answer was cut off. Please try again.";

export class Trial {
  constructor(box, form) {
    Object.assign(this, { box, form, said: [] });
    this.list = box.querySelector("[data-said]");
    this.field = box.querySelector("textarea");
    this.trouble = box.querySelector("[data-trouble]");
    this.again = box.querySelector("[data-again]");
    this.takeOver();
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    });
    box.querySelector(".composer__button").addEventListener("click", (event) => { event.preventDefault(); this.send(); });
    this.again.addEventListener("click", () => this.restart());
  }

  // What was said before the script came stands in hidden fields.
  takeOver() {
    const [roles, texts] = ["said-role", "said-content"].map((name) => [...this.box.querySelectorAll(`[name=${name}]`)]);
    this.said = roles.map((role, n) => ({ role: role.value, content: texts[n].value }));
    for (const each of [...roles, ...texts]) each.remove();
    this.again.hidden = !this.said.length;
  }

  restart() {
    this.asking?.abort();
    this.said = [];
    for (const each of [...this.list.children].slice(1)) each.remove();
    this.again.hidden = true;
    this.complain("");
    this.field.focus();
  }

  complain(words) {
    this.trouble.textContent = words;
    this.trouble.hidden = !words;
  }

  line(kind) {
    const made = this.box.querySelector(`template[data-message="${kind}"]`).content.firstElementChild.cloneNode(true);
    if (kind === "it") {
      made.querySelector(".message__name bdi").textContent = this.form.elements.name.value.trim() || "Your personality";
      made.querySelector("img").src = this.form.querySelector("[data-face]").src;
    }
    this.list.append(made);
    return made.querySelector(".message__text");
  }

  body(text) {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) if (typeof value === "string" && name !== "say") fields.append(name, value);
    for (const each of this.said) { fields.append("said-role", each.role); fields.append("said-content", each.content); }
    fields.append("say", text);
    return fields;
  }

  async send() {
    const text = this.field.value.trim();
    if (!text) return;
    this.asking?.abort();
    const asking = this.asking = new AbortController();
    this.complain("");
    this.field.value = "";
    const mine = this.line("you");
    mine.textContent = text;
    const place = this.line("it");
    place.textContent = "…";
    this.scroll();
    const turn = { text: "", done: null };
    try {
      for await (const event of ask(this.box.dataset.trial, this.body(text), asking.signal)) this.take(event, turn, place);
      if (!turn.done) throw new Error(CUT_OFF);
      this.keep(text, turn, place);
    } catch (error) {
      if (error.name !== "AbortError" || asking === this.asking) this.failed(error, text, mine, place);
    }
  }

  take({ name, data }, turn, place) {
    if (name === "token") {
      turn.text += data.text;
      draw(place, settled(turn.text));
      this.scroll();
    }
    if (name === "error") throw new Error(data.message);
    if (name === "done") turn.done = data;
  }

  keep(text, turn, place) {
    draw(place, turn.text);
    this.said.push({ role: "user", content: text }, { role: "assistant", content: turn.text });
    this.again.hidden = false;
    if (turn.done.source !== "sample") return;
    const note = document.createElement("p");
    note.className = "message__note";
    note.textContent = turn.done.reason === "blocked" ? "Not answered: the shop won’t let that be talked about." : "A sample reply: no model answered.";
    place.after(note);
  }

  failed(error, text, mine, place) {
    for (const each of [mine, place]) each.closest("li").remove();
    this.field.value ||= text;
    const fields = error instanceof Refused ? Object.entries(error.fields) : [];
    this.complain([error.message, ...fields.map(([name, why]) => `${name} ${why}.`)].join(" "));
    this.field.focus();
  }

  scroll() {
    this.list.scrollTop = this.list.scrollHeight;
  }
}
