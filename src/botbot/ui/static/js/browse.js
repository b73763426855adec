// Search, filters and sort: the address always says what is shown, and the last answer asked for is the one that stays.
// `endless.js` and `dialog.js` share `history.state` with it: {dialog} is an open card, {pages, y} how far one was.

const form = document.getElementById("browse");
const search = document.getElementById("search");
const clear = form.querySelector("[data-clear]");
const results = document.getElementById("results");
const groups = document.querySelector("[data-groups]");
const notice = document.querySelector("[data-notice]");
const again = document.querySelector("[data-again]");
const plainTitle = document.title.includes("“") ? "BotBot" : document.title;
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
const found = () => results.querySelector("[data-found]");
const ORDER = ["search", "category", "tags", "excludeTags", "minRating", "language", "contentRating", "sortBy"];
const JOINED = ["tags", "excludeTags"];
const KEPT = "botbot.filters";
const SORT = "botbot.sort";

let shown = location.search;
let asking = null;
let retry = null;

// What this browser keeps for the next visit; without storage it does without.
function keep(key, value) {
  try {
    if (value === undefined) return localStorage.getItem(key) ?? "";
    localStorage.setItem(key, value);
  } catch {}
  return "";
}

// The form as an address: the server's order, several tags in one value, empty fields left out.
function addressOf(bySort = false) {
  const data = new FormData(form);
  const query = new URLSearchParams();
  for (const name of ORDER) {
    const values = data.getAll(name).map((value) => value.trim()).filter(Boolean);
    if (values.length) for (const value of JOINED.includes(name) ? [values.join()] : values) query.append(name, value);
  }
  // A new search comes best match first, whatever the order was before; the usual order needs no words.
  const isNewSearch = query.has("search") !== new URLSearchParams(shown).has("search");
  if (!bySort && (isNewSearch || `${query}` === `sortBy=${keep(SORT)}`)) query.delete("sortBy");
  return query.size ? `/?${query}` : "/";
}

function copyTicks(old, fresh) {
  const boxes = [...fresh.querySelectorAll("input")];
  old.hidden = fresh.hidden;
  old.querySelectorAll("input").forEach((box, n) => { box.checked = boxes[n].checked; });
  const numbers = [...fresh.querySelectorAll("[data-n]")];
  old.querySelectorAll("[data-n]").forEach((place, n) => { place.textContent = numbers[n].textContent; });
  const labels = [...fresh.querySelectorAll(".check, .tri")];
  old.querySelectorAll(".check, .tri").forEach((each, n) => { each.className = labels[n].className; });
}

const offered = (group) => [...group.querySelectorAll("input, [data-n]")].map((each) => each.value ?? "").join();

// Fields that stay are kept, so that the focus and an open list stay with them.
function followFilters(fresh) {
  for (const group of fresh.querySelectorAll("[data-group]")) {
    const old = groups.querySelector(`[data-group="${group.dataset.group}"]`);
    if (offered(old) === offered(group)) copyTicks(old, group);
    else {
      const { name, value } = old.contains(document.activeElement) ? document.activeElement : {};
      if (old.querySelector("details")?.open) group.querySelector("details")?.setAttribute("open", "");
      old.replaceWith(group);
      if (name) group.querySelector(`[name="${name}"][value="${CSS.escape(value)}"]`)?.focus({ preventScroll: true });
    }
  }
}

function showCount() {
  const count = results.querySelector("[data-count]").dataset.count;
  for (const place of document.querySelectorAll("[data-count-here]")) {
    place.textContent = place.dataset.countVerb ? `${place.dataset.countVerb} ${count}` : count;
  }
  const used = document.querySelector("[data-filters-here]");
  used.textContent = found().dataset.filters;
  used.hidden = used.textContent === "0";
  document.body.classList.toggle("is-narrowed", "narrowed" in found().dataset);
  return count;
}

function swap(html) {
  const made = document.createElement("template");
  made.innerHTML = html; // our own page, from our own server
  followFilters(made.content.querySelector("[data-panel]").content);
  made.content.querySelector("[data-panel]").remove();
  const had = results.contains(document.activeElement) ? document.activeElement.id || "results-title" : "";
  results.replaceChildren(made.content);
  if (had) (document.getElementById(had) ?? document.getElementById("results-title")).focus({ preventScroll: true });
  document.title = found().dataset.title || plainTitle;
  tell("botbot:announce", `${showCount()} found`);
}

// The old results stay, dimmed once it takes long; skeletons stand in only where there is nothing to dim.
function wait(isWaiting) {
  results.setAttribute("aria-busy", isWaiting);
  if (!isWaiting || results.querySelector(".card")) return;
  const grid = Object.assign(document.createElement("ul"), { className: "grid" });
  grid.append(document.querySelector("[data-skeletons]").content.cloneNode(true));
  results.querySelector(".empty")?.replaceWith(grid);
}

function fail(text, url, options) {
  notice.querySelector("[data-notice-text]").textContent = text;
  notice.hidden = false;
  retry = () => go(url, { ...options, history: "none" });
}

// What is shown is what the address says: nothing is left to be tried again.
function settle() {
  notice.hidden = true;
  retry = null;
}

async function ask(url, signal) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" }, signal });
  if (!answer.ok) throw new Error((await answer.json().catch(() => null))?.message ?? "That didn’t work just now.");
  return answer.text();
}

// Typing is one step back, however many letters it had.
function note(url, how) {
  if (how === "none" || new URL(url, location).href === location.href) return;
  const typing = how === "type";
  if (typing && history.state?.typing) return history.replaceState({ typing }, "", url);
  tell("botbot:leaving");
  history.pushState({ typing }, "", url);
}

async function go(url, options = {}) {
  asking?.abort();
  const mine = (asking = new AbortController());
  note(url, options.history ?? "push");
  const isShown = new URL(url, location).search === shown && !options.restore;
  wait(!isShown);
  if (isShown) return settle();
  try {
    const html = await ask(url, mine.signal);
    shown = new URL(url, location).search;
    settle();
    swap(html);
    if (!options.typing) followSearch();
    clear.hidden = !search.value;
    tell("botbot:results", options);
    if (options.toTop) results.scrollIntoView({ block: "start" });
    if ("narrowed" in found().dataset) keep(KEPT, shown);
  } catch (problem) {
    if (problem.name === "AbortError") return;
    const isOffline = problem instanceof TypeError;
    fail(isOffline ? "No answer from here. Are you online? What you see is what was there before." : problem.message, url, options);
  }
  if (mine === asking) wait(false);
}

function followSearch() {
  const words = new URLSearchParams(shown).get("search") ?? "";
  if (search.value.trim() !== words) search.value = words;
}

let soon = 0;
const typed = () => go(addressOf(), { history: "type", typing: true });
search.addEventListener("input", (event) => {
  clear.hidden = !search.value;
  clearTimeout(soon);
  if (!event.isComposing) soon = setTimeout(typed, 180);
});
search.addEventListener("compositionend", () => { soon = setTimeout(typed, 180); });
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(soon);
  typed();
});
clear.addEventListener("click", (event) => {
  event.preventDefault();
  search.value = "";
  search.focus();
  typed();
});
search.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && search.value) clear.click(), event.preventDefault();
});

document.addEventListener("change", ({ target }) => {
  if (target.form !== form || target === search) return;
  // Wanted or unwanted, not both.
  if (JOINED.includes(target.name) && target.checked) {
    for (const box of target.closest(".tri").querySelectorAll("input")) if (box !== target) box.checked = false;
  }
  const bySort = target.name === "sortBy";
  if (bySort && !new URLSearchParams(shown).has("search")) keep(SORT, target.value);
  go(addressOf(bySort));
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-go]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.href, { toTop: !link.closest(".chips, .filters") });
});

notice.querySelector("[data-retry]").addEventListener("click", () => retry?.());
addEventListener("online", () => retry?.());
addEventListener("popstate", ({ state }) => {
  const isStill = location.search === shown && results.getAttribute("aria-busy") !== "true";
  if (isStill) settle();
  if (!state?.dialog && !isStill) go(location.href, { history: "none", restore: true });
});

// The sort last chosen is used where the address names none: only the plain grid is fetched anew, below the shelves.
function useKeptSort() {
  const kept = keep(SORT);
  const asked = new URLSearchParams(shown);
  const select = document.getElementById("sort");
  if (!kept || asked.has("sortBy") || asked.has("search") || asked.has("page")) return;
  if (![...select.options].some((each) => each.value === kept)) return;
  select.value = kept;
  tell("botbot:sort", kept);
}

function offerKept() {
  again.hidden = Boolean(shown) || !keep(KEPT);
  again.querySelector("a").href = `/${keep(KEPT)}`;
}

document.addEventListener("botbot:results", () => { useKeptSort(); offerKept(); });
useKeptSort();
offerKept();
