// "In your server": the channel around the chat is drawn as the server somebody types, while they type it, and kept for
// the next personality in this window.

import { hueOf } from "asset:chat_turn.js";

const KEPT = "botbot.setting";
const WORLDS = [
  { server: "The Teapot Society", topic: "Tea, mild panic and lost socks", rules: ["No talk of work before ten", "Spoilers go behind the kettle"], members: ["Mabel Crumpet", "Old Finch", "Pip"] },
  { server: "Midnight Modem", topic: "Whatever keeps us awake", rules: ["Lower case after midnight"], members: ["Nova", "Sir Lagsalot", "Dot"] },
  { server: "The Allotment", topic: "Beans, slugs and neighbours", rules: ["Be kind to beginners", "Name your pumpkins"], members: ["Wren", "Uncle Turnip", "Saskia"] },
];

function kept(value) {
  try {
    if (value === undefined) return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
    sessionStorage.setItem(KEPT, JSON.stringify(value));
  } catch {}
  return {};
}

// TTS for The Teapot Society, as Discord draws a server without a picture.
const initials = (name) => name.split(/\s+/).map((word) => [...word][0] ?? "").join("").slice(0, 4).toUpperCase();

export class Setting {
  // `chat` is the whole <preview-chat>; `changed` hears of everything typed, and whether somebody still types.
  constructor(chat, changed) {
    this.box = chat.querySelector("[data-setting]");
    this.shop = chat.closest(".discord");
    this.speakers = chat.querySelector("[data-speakers]");
    this.changed = changed;
    this.world = 0;
    this.plain = { server: this.part("server").textContent, here: this.part("here").textContent };
    if (!this.isSet) this.fill(kept());
    this.box.addEventListener("input", () => this.follow());
    this.box.addEventListener("toggle", () => changed(this.box.open));
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.on("lend", () => this.fill({ ...this.value, ...WORLDS[this.world++ % WORLDS.length] }));
    this.on("cast", () => this.fill({ ...this.value, members: WORLDS[this.world++ % WORLDS.length].members }));
    this.on("clear", () => this.fill({}));
    this.on("done", () => this.close());
    this.draw();
  }

  part(name) {
    return this.shop.querySelector(`[data-here="${name}"]`);
  }

  on(name, act) {
    this.box.querySelector(`[data-${name}]`).addEventListener("click", () => { act(); this.follow(); });
  }

  fields(name) {
    return [...this.box.querySelectorAll(`[name="${name}"]`)];
  }

  many(name) {
    return [...new Set(this.fields(name).map((field) => field.value.trim()).filter(Boolean))];
  }

  // What the server is told: only what somebody filled in.
  get value() {
    const [server, topic, language] = ["server", "topic", "language"].map((name) => this.many(name)[0]);
    const all = { server, topic, language, rules: this.many("rule"), members: this.many("member") };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value?.length));
  }

  get isSet() {
    return Object.keys(this.value).length > 0;
  }

  get speaker() {
    return this.speakers.querySelector("input:checked")?.value ?? "";
  }

  fill(value) {
    const put = (name, values) => this.fields(name).forEach((field, n) => { field.value = values[n] ?? ""; });
    for (const name of ["server", "topic", "language"]) put(name, [value[name]]);
    put("rule", value.rules ?? []);
    put("member", value.members ?? []);
  }

  // Enter would send an unfinished message; Escape closes this and not the dialog around it.
  key(event) {
    if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
    if (event.key !== "Escape" || !this.box.open) return;
    event.preventDefault();
    event.stopPropagation();
    this.close();
  }

  close() {
    this.box.open = false;
    this.box.querySelector("summary").focus();
  }

  follow() {
    kept(this.value);
    this.draw();
    this.changed(this.box.open);
  }

  draw() {
    const { server, topic = "", language = "", rules = [], members = [] } = this.value;
    this.shop.classList.toggle("discord--set", this.isSet);
    this.part("server").textContent = server ?? this.plain.server;
    this.part("here").textContent = server ? initials(server) : this.plain.here;
    for (const place of this.shop.querySelectorAll("[data-here=topic]")) place.textContent = topic;
    this.part("count").textContent = String(2 + members.length);
    this.part("language").textContent = language && `Spoken here: ${language}`;
    this.part("rules").replaceChildren(...rules.map((rule) => Object.assign(document.createElement("li"), { textContent: rule })));
    this.drawMembers(members);
    this.drawSpeakers(members);
    this.box.querySelector("[data-state]").textContent = this.isSet ? "Change the server" : "Picture it in your server";
  }

  drawMembers(members) {
    const template = this.box.querySelector("[data-member]");
    this.part("members").replaceChildren(...members.map((name) => {
      const made = template.content.firstElementChild.cloneNode(true);
      made.classList.add(`hue-${hueOf(name)}`);
      made.querySelector(".discord__you").textContent = [...name][0].toUpperCase();
      made.querySelector("bdi").textContent = name;
      return made;
    }));
  }

  drawSpeakers(members) {
    const chosen = this.speaker;
    const [mine, ...others] = this.speakers.querySelectorAll("label");
    others.forEach((each) => each.remove());
    for (const name of members) {
      const made = mine.cloneNode(true);
      made.className = `speaker hue-${hueOf(name)}`;
      Object.assign(made.querySelector("input"), { value: name, checked: name === chosen });
      made.querySelector("bdi").textContent = name;
      this.speakers.append(made);
    }
    mine.querySelector("input").checked = !members.includes(chosen);
    this.speakers.hidden = !members.length;
  }
}
