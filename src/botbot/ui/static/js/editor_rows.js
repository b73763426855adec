// Rows of the editor: added, moved and taken away at once, by pointer or keyboard (Alt and an arrow moves the row that
// has the focus). The fields themselves are plain, and mean the same without this.

const announce = (words) => document.dispatchEvent(new CustomEvent("botbot:announce", { detail: words }));
const isBlank = (row) => [...row.querySelectorAll("input:not([type=hidden], [type=range]), textarea")].every((each) => !each.value.trim());
const listOf = (row) => row.parentElement;
const rowsOf = (list) => [...list.children].filter((each) => each.matches("[data-row]"));

export class Rows {
  // `changed` hears the entry's name of the list that something happened to.
  constructor(box, changed) {
    this.box = box;
    this.changed = changed;
    this.scales = JSON.parse(box.dataset.scales);
    this.talks = box.querySelectorAll("[data-talk]").length;
    for (const list of box.querySelectorAll("[data-list]")) this.tidy(list);
    for (const row of box.querySelectorAll("[data-row]")) this.wake(row);
    box.addEventListener("click", (event) => this.click(event));
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("input", ({ target }) => this.follow(target));
  }

  // Blank rows are for those without a script; one stays where there would be none.
  tidy(list) {
    for (const row of rowsOf(list).filter(isBlank)) {
      if (rowsOf(list).length > 1 || row.matches("[data-talk]")) row.remove();
    }
  }

  wake(row) {
    for (const tools of row.querySelectorAll("[data-tools]")) tools.hidden = false;
    if (row.querySelector(":scope > [data-scale]")) this.drawScale(row);
  }

  click(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.add) {
      event.preventDefault();
      this.add(button.dataset.add, button);
    } else if (button.dataset.move) this.move(button.closest("[data-row]"), button.dataset.move, button);
    else if (button.matches("[data-remove]")) this.remove(button.closest("[data-row]"));
  }

  key(event) {
    const row = event.target.closest("[data-row]");
    const way = { ArrowUp: "up", ArrowDown: "down" }[event.key];
    if (!row || !way || !event.altKey) return;
    event.preventDefault();
    this.move(row, way, event.target);
  }

  add(kind, button) {
    const list = kind === "turn" ? button.closest("[data-talk]").querySelector("[data-list]") : button.closest("[data-rows]").querySelector("[data-list]");
    const row = document.querySelector(`template[data-new="${kind}"]`).content.firstElementChild.cloneNode(true);
    if (kind === "talk") this.number(row, `new-${++this.talks}`);
    if (kind === "turn") this.continueTalk(row, list);
    list.append(row);
    for (const each of [row, ...row.querySelectorAll("[data-row]")]) this.wake(each);
    row.querySelector("input:not([type=hidden]), textarea")?.focus();
  }

  number(talk, name) {
    talk.dataset.talk = name;
    for (const each of talk.querySelectorAll("[name=turn-talk]")) each.value = name;
  }

  // In a conversation they take turns.
  continueTalk(row, list) {
    const roles = list.querySelectorAll("[name=turn-role]");
    row.querySelector("[name=turn-talk]").value = list.closest("[data-talk]").dataset.talk;
    row.querySelector("[name=turn-role]").value = roles.length && roles[roles.length - 1].value === "user" ? "assistant" : "user";
  }

  move(row, way, focused) {
    const other = way === "up" ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    if (way === "up") other.before(row);
    else other.after(row);
    focused.focus();
    announce(`Now ${rowsOf(listOf(row)).indexOf(row) + 1} of ${rowsOf(listOf(row)).length}.`);
    this.touch(row);
  }

  remove(row) {
    const list = listOf(row);
    const next = row.nextElementSibling ?? row.previousElementSibling;
    const fields = row.closest("[data-rows]");
    if (next || row.matches("[data-talk]")) row.remove();
    else for (const each of row.querySelectorAll("input:not([type=hidden], [type=range]), textarea")) each.value = "";
    this.keepOne(list, fields);
    (next ?? row).querySelector("input:not([type=hidden]), textarea, button")?.focus();
    if (!document.contains(document.activeElement) || document.activeElement === document.body) fields.querySelector("[data-add]")?.focus();
    announce("Taken away.");
    this.changed(fields.dataset.rows);
  }

  // A list of which nothing is sent would mean that nobody touched it.
  keepOne(list, fields) {
    if (rowsOf(list).length || fields.querySelector("[name=turn-role]") || fields.dataset.kind !== "talk") return;
    this.add("talk", fields.querySelector(":scope > p [data-add]"));
  }

  touch(row) {
    this.changed(row.closest("[data-rows]").dataset.rows);
  }

  follow(target) {
    const row = target.closest(".row--trait");
    if (!row) return;
    if (target.type === "range") row.querySelector("[name=trait-value]").value = target.value;
    this.drawScale(row);
  }

  // A number from 0 to 1 is a scale, with the words at its ends where the trait is one that we know.
  drawScale(row) {
    const [name, value] = [row.querySelector("[name=trait-name]").value.trim(), row.querySelector("[name=trait-value]").value.trim()];
    const scale = row.querySelector("[data-scale]");
    const isScale = /^(0(\.\d+)?|1(\.0+)?)$/.test(value);
    scale.hidden = !isScale;
    if (!isScale) return;
    const [low, high] = this.scales[name] ?? ["less", "more"];
    scale.querySelector("[data-low]").textContent = low;
    scale.querySelector("[data-high]").textContent = high;
    scale.querySelector("input").value = value;
  }

  // What the server says about a row stands in it; rows without anything in them don't count.
  show(wrong) {
    for (const place of this.box.querySelectorAll("[data-wrong-here]")) Object.assign(place, { textContent: "", hidden: true });
    for (const [name, why] of Object.entries(wrong)) {
      const row = this.find(name);
      const place = row?.querySelector(":scope > [data-wrong-here]");
      if (place) Object.assign(place, { textContent: why, hidden: false });
    }
  }

  find(name) {
    const [, field, rest] = name.match(/^(\w+)(.*)$/) ?? [];
    const fields = this.box.querySelector(`[data-rows="${field}"]`);
    if (!fields || !rest) return null;
    const filled = (list) => rowsOf(list).filter((row) => !isBlank(row));
    const list = fields.querySelector("[data-list]");
    if (field === "traits") return filled(list).find((row) => row.querySelector("[name=trait-name]").value.trim() === rest.slice(1));
    const [first, second] = [...rest.matchAll(/\[(\d+)\]/g)].map((found) => Number(found[1]));
    const row = filled(list)[first];
    return second === undefined || !row ? row : filled(row.querySelector("[data-list]"))[second];
  }
}
