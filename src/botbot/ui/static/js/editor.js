// The editor while one types: asks the server what is wrong (it knows the rules, this doesn't), what the prompt costs,
// and shows the face that is being chosen. Without it the form says all of that when it is sent.

import { Rows } from "asset:editor_rows.js";
import { Trial } from "asset:editor_trial.js";

const WAIT_MS = 450;
const announce = (words) => document.dispatchEvent(new CustomEvent("botbot:announce", { detail: words }));

class Editor {
  constructor(box) {
    this.box = box;
    this.form = box.querySelector("form");
    this.standing = box.querySelector("[data-standing]");
    this.touched = new Set();
    this.rows = new Rows(box, (field) => this.changed(field));
    this.trial = new Trial(box.querySelector("[data-trial]"), this.form);
    this.form.addEventListener("input", ({ target }) => this.changed(this.fieldOf(target)));
    this.form.addEventListener("change", ({ target }) => this.changed(this.fieldOf(target)));
    this.surprise();
  }

  // What a control is part of, by the entry's name for it.
  fieldOf(control) {
    return control.closest("[data-rows]")?.dataset.rows ?? control.name;
  }

  changed(field) {
    this.touched.add(field);
    if (field === "hue" || field === "slug" || field.startsWith("look")) this.drawFace(field);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT_MS);
  }

  async ask() {
    this.asking?.abort();
    this.asking = new AbortController();
    try {
      const answer = await fetch(this.box.dataset.check, { method: "POST", body: fieldsOf(this.form), signal: this.asking.signal });
      if (answer.ok) this.show(await answer.json());
    } catch (error) {
      if (error.name !== "AbortError") this.say("");  // Offline: the form says it when it is sent.
    }
  }

  show({ wrong, count, costs, isStale }) {
    for (const place of this.form.querySelectorAll("[data-wrong]")) this.mark(place, this.isWrong(wrong, place.dataset.wrong));
    this.rows.show(wrong);
    for (const [name, value] of Object.entries(costs)) {
      const place = this.form.querySelector(`[data-cost="${name}"]`);
      if (place && value !== null) place.textContent = name === "dollars" ? value.toFixed(2) : value.toLocaleString("en");
    }
    if (isStale) this.say("Somebody else has saved it meanwhile. Save, and you see both beside each other.");
    else this.say(count ? `${count === 1 ? "One thing is" : `${count} things are`} missing or wrong.` : "Ready to save.");
  }

  // Only of what somebody has touched: nobody wants to hear that an empty form is empty.
  isWrong(wrong, name) {
    const short = name.split(".").pop();
    return this.touched.has(name) || this.touched.has(short) ? wrong[name] ?? "" : null;
  }

  mark(place, why) {
    if (why === null) return;
    if (why && place.textContent !== why) announce(why);
    place.textContent = why;
    place.hidden = !why;
    const control = place.parentElement.querySelector("input, textarea, select");
    if (place.closest(".field") && control) control.setAttribute("aria-invalid", String(Boolean(why)));
  }

  say(words) {
    if (this.standing) this.standing.textContent = words;
  }

  drawFace(field) {
    const part = (name) => this.form.elements[name]?.value ?? "";
    if (field.startsWith("look-")) this.choose("chosen");
    const image = this.form.querySelector("[data-face]");
    const asked = new URLSearchParams({ seed: part("slug") || part("name"), hue: part("hue") });
    if (part("looks") === "picture") return;
    if (part("looks") === "chosen") {
      for (const select of this.form.querySelectorAll("select[name^=look-]")) asked.set(select.name, select.value);
    }
    image.src = `${image.dataset.face}?${asked}`;
  }

  choose(way) {
    const radio = this.form.querySelector(`[name=looks][value=${way}]`);
    if (radio) radio.checked = true;
  }

  surprise() {
    const place = this.form.querySelector("[data-surprise]");
    if (!place) return;
    place.hidden = false;
    place.firstElementChild.addEventListener("click", () => {
      for (const select of this.form.querySelectorAll("select[name^=look-]")) {
        select.selectedIndex = Math.floor(Math.random() * select.options.length);
      }
      this.form.elements.hue.value = String(Math.floor(Math.random() * 36) * 10);
      this.changed("look-");
    });
  }
}

// Everything but the picture, which needs no opinion while one types.
function fieldsOf(form) {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") fields.append(name, value);
  return fields;
}

for (const box of document.querySelectorAll("[data-editor]")) new Editor(box);
