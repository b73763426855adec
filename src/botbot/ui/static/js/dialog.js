// A card opens in a dialog where there is room for it. The address follows, so Back closes it and a link can be shared.
const dialog = document.getElementById("dialog");
const body = dialog.querySelector("[data-dialog-body]");
let pageTitle = document.title;
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

// A visitor who has left meanwhile, even while a transition was about to begin, is shown nothing any more.
function fill(content, signal, face) {
  if (signal.aborted) return null;
  if (face) face.style.viewTransitionName = dialog.open ? "" : "face";
  return change(() => {
    if (face) face.style.viewTransitionName = "";
    if (signal.aborted) return;
    body.replaceChildren(content);
    body.scrollTop = 0;
    const arrived = body.querySelector("img.detail__face");
    if (arrived) arrived.style.viewTransitionName = "face";
    if (!dialog.open) dialog.showModal();
  });
}

// What a part of a page needs comes with it and is there before it is shown, so that nobody types into a chat that does
// not listen yet. What can't be had in time is done without: forms work by themselves.
async function furnish(content) {
  const modules = [...content.querySelectorAll("[data-modules]")].flatMap((each) => each.dataset.modules.split(" "));
  const sheets = [...content.querySelectorAll("link[rel=stylesheet]")].map((sheet) => {
    sheet.remove();
    if (document.head.querySelector(`link[href="${sheet.getAttribute("href")}"]`)) return null;
    document.head.append(sheet);
    return new Promise((resolve) => { sheet.onload = sheet.onerror = resolve; });
  });
  const all = Promise.all([...sheets, ...modules.map((url) => import(url).catch(() => {}))]);
  await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 4000))]);
  return content;
}

async function load(url, signal) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" }, signal });
  if (!answer.ok) throw new Error(String(answer.status));
  const made = document.createElement("template");
  made.innerHTML = await answer.text(); // our own page, from our own server
  return furnish(made.content);
}

async function open(url, card) {
  pending?.abort();
  const mine = (pending = new AbortController());
  if (!dialog.open) pageTitle = document.title;
  const arriving = load(url, mine.signal);
  const slow = new Promise((resolve) => setTimeout(resolve, 140, null));
  try {
    const face = card?.querySelector("img");
    const early = await Promise.race([arriving, slow]);
    await fill(early ?? skeleton(card), mine.signal, face);
    if (!early) await fill(await arriving, mine.signal);
    if (mine.signal.aborted) return;
    document.title = `${body.querySelector("#personality-name")?.textContent ?? ""} · BotBot`;
  } catch (problem) {
    if (problem.name !== "AbortError" && !mine.signal.aborted) location.assign(url); // the page itself can say what is wrong
  }
}

// A link to a part of the same page would be a step in the history that is neither the grid's nor a card's.
body.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  const target = link && document.getElementById(link.hash.slice(1));
  if (!target || !isPlain(event)) return;
  event.preventDefault();
  target.tabIndex = -1;
  target.scrollIntoView();
  target.focus({ preventScroll: true });
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-card]");
  if (!link || !isPlain(event) || !matchMedia("(min-width: 900px)").matches) return;
  event.preventDefault();
  document.dispatchEvent(new Event("botbot:leaving")); // the grid notes where one was
  history.pushState({ dialog: link.href, depth: (history.state?.depth ?? 0) + 1 }, "", link.href);
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
  if (history.state?.dialog) history.go(-(history.state.depth ?? 1)); // from card to card there may have been several
});
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
