// The grid: counts said aloud, filters that follow the address, and a card that opens in a dialog.

const form = document.getElementById("browse");
const results = document.getElementById("results");
const dialog = document.getElementById("dialog");
const body = dialog.querySelector("[data-dialog-body]");
const pageTitle = document.title;
const say = (text) => document.dispatchEvent(new CustomEvent("botbot:announce", { detail: text }));

// Empty fields stay out of the address.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  for (const [name, value] of [...detail.formData]) if (value === "") detail.formData.delete(name);
});

function showCount() {
  const count = results.querySelector("[data-count]")?.dataset.count ?? "";
  for (const place of document.querySelectorAll("[data-count-here]")) {
    place.textContent = place.dataset.countVerb ? `${place.dataset.countVerb} ${count}` : count;
  }
  say(`${count} found`);
}

function followAddress() {
  const wanted = new URL(location.href).searchParams;
  for (const field of form.elements) {
    if (!field.name || results.contains(field) || field === document.activeElement) continue;
    const values = wanted.getAll(field.name);
    if (field.type === "checkbox") field.checked = values.includes(field.value);
    else if (field.type === "radio") field.checked = (values[0] ?? "") === field.value;
    else field.value = values.join(",");
  }
}

results.addEventListener("htmx:afterSettle", (event) => {
  if (event.target !== results) return;
  followAddress();
  showCount();
});

// A card opens in a dialog where there is room for it. The address follows, so Back closes it and a link can be shared.
const isPlain = (event) => event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
const moves = () => document.startViewTransition && !matchMedia("(prefers-reduced-motion: reduce)").matches;
let pending = null;

function change(update) {
  if (!moves()) return update();
  const transition = document.startViewTransition(update);
  transition.ready.catch(() => {}); // a second one may overtake it; the update itself still happens
  return transition.updateCallbackDone;
}

function skeleton(card) {
  const made = dialog.querySelector("[data-dialog-skeleton]").content.cloneNode(true);
  const face = card?.querySelector("img");
  if (face) made.querySelector("[data-face]").append(Object.assign(face.cloneNode(), { className: "detail__face", loading: "eager" }));
  made.querySelector("[data-name]").textContent = card?.querySelector("a")?.textContent ?? "";
  made.firstElementChild.classList.add(...[...(card?.classList ?? [])].filter((name) => name.startsWith("hue-")));
  return made;
}

function fill(content, face) {
  if (face) face.style.viewTransitionName = dialog.open ? "" : "face";
  return change(() => {
    if (face) face.style.viewTransitionName = "";
    body.replaceChildren(content);
    body.scrollTop = 0;
    const arrived = body.querySelector("img.detail__face");
    if (arrived) arrived.style.viewTransitionName = "face";
    if (!dialog.open) dialog.showModal();
  });
}

async function load(url, signal) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" }, signal });
  if (!answer.ok) throw new Error(String(answer.status));
  const made = document.createElement("template");
  made.innerHTML = await answer.text(); // our own page, from our own server
  return made.content;
}

async function open(url, card) {
  pending?.abort();
  const mine = (pending = new AbortController());
  const arriving = load(url, mine.signal);
  const slow = new Promise((resolve) => setTimeout(resolve, 140, null));
  try {
    const face = card?.querySelector("img");
    const early = await Promise.race([arriving, slow]);
    await fill(early ?? skeleton(card), face);
    if (!early) await fill(await arriving);
    document.title = `${body.querySelector("#personality-name")?.textContent ?? ""} · BotBot`;
  } catch (problem) {
    if (problem.name !== "AbortError") location.assign(url); // the page itself can say what is wrong
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-card]");
  if (!link || !isPlain(event) || !matchMedia("(min-width: 900px)").matches) return;
  event.preventDefault();
  // The marked state of the grid keeps htmx from taking Back as its own.
  if (!history.state?.dialog) history.replaceState({ grid: true }, "");
  history.pushState({ dialog: link.href }, "", link.href);
  open(link.href, link.closest("article"));
});

let closedByHistory = false;

function leave() {
  pending?.abort();
  body.replaceChildren();
  document.title = pageTitle;
}

addEventListener("popstate", (event) => {
  if (event.state?.dialog) open(event.state.dialog);
  else {
    closedByHistory = dialog.open;
    dialog.close();
    leave();
  }
});

// The close event comes later than the closing: by then, Forward may already be opening the next one.
dialog.addEventListener("close", () => {
  if (closedByHistory) {
    closedByHistory = false;
    return;
  }
  leave();
  if (history.state?.dialog) history.back();
});
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
