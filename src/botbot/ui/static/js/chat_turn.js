// One message in the channel: who says it, what it says, what may be done with it.

import { draw, formatted, settled } from "asset:markdown.js";

const HUES = 36;
const paragraph = (className, text) => Object.assign(document.createElement("p"), { className, textContent: text });

// Everybody has a colour of their own, from their name alone; the server's page finds the same one.
export const hueOf = (name) => ([...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) * 7 % HUES) * 10;

export function clock(moment = new Date()) {
  const text = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return Object.assign(document.createElement("time"), { className: "message__time", dateTime: moment.toISOString(), textContent: text });
}

// A copy where there is no clipboard for scripts: on plain http.
function copyByHand(text, beside) {
  const field = Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" });
  const focused = document.activeElement;
  beside.append(field);
  field.select();
  const worked = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return worked;
}

export async function copy(text, beside) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text, beside);
  }
}

export class Turn {
  // `item` is the message as the page has it; `said` what it says, as it was written.
  constructor(item) {
    this.item = item;
    this.text = item.querySelector(".message__text");
    this.body = item.querySelector(".message__body");
    this.said = item.dataset.said ?? this.text.textContent;
    if (!item.querySelector(".message__time")) item.querySelector(".message__by").append(" ", clock());
  }

  // A person's words, plain. `speaker` is a pretend member.
  user(text, speaker) {
    this.said = text;
    this.text.replaceChildren(...formatted(text));
    if (!speaker) return;
    const face = this.item.querySelector(".message__face");
    face.textContent = [...speaker][0].toUpperCase();
    this.item.classList.add(`hue-${hueOf(speaker)}`, "message--member");
    this.item.querySelector(".message__name bdi").textContent = speaker;
  }

  // The line above that says what this answers; a pretend member is named in their colour.
  answers(name, text, isMember) {
    const line = paragraph("message__above", "");
    const words = text.replace(/\s+/g, " ");
    const who = document.createElement("b");
    who.textContent = `@${name}`;
    line.append(who, " ", words.length > 90 ? `${words.slice(0, 90)}…` : words);
    if (isMember) who.className = `hue-${hueOf(name)}`;
    this.item.querySelector(".message__by").before(line);
  }

  typing(dots) {
    this.said = "";
    this.text.replaceChildren(dots);
  }

  add(piece) {
    this.said += piece;
    this.quiet("");
    draw(this.text, settled(this.said));
  }

  // Says that nothing has come for a while; anything that comes takes it away again.
  quiet(text) {
    this.waiting?.remove();
    if (!text) return;
    if (!this.said) this.text.replaceChildren();
    this.waiting = paragraph("message__quiet", text);
    this.text.append(this.waiting);
  }

  end(text = this.said) {
    this.quiet("");
    this.said = text;
    draw(this.text, text);
  }

  note(text) {
    this.body.append(paragraph("message__note", text));
  }

  // A mark that nobody can overlook, with its reason.
  mark(label, reason) {
    const line = paragraph("message__note", "");
    const badge = Object.assign(document.createElement("b"), { className: "message__mark", textContent: label });
    const colon = Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: ":" });
    line.append(badge, colon, " ", reason);
    this.body.append(line);
  }

  wrong(message) {
    this.quiet("");
    if (!this.said) this.text.replaceChildren();
    const notice = paragraph("", message);
    notice.setAttribute("role", "alert");
    this.item.classList.add("message--wrong");
    this.text.append(notice);
  }

  button(label, className, act) {
    const made = Object.assign(document.createElement("button"), { type: "button", className, textContent: label });
    made.addEventListener("click", act);
    this.body.append(made);
    return made;
  }

  tools(template) {
    this.item.querySelector(".message__tools")?.remove();
    this.body.append(template.content.cloneNode(true));
    return this.item.querySelector(".message__tools");
  }
}
