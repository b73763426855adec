// The grid goes on as one scrolls. Pages of cards far from the screen are emptied to a box of the same height and filled
// again when they come near, so that the document stays small however far one goes. `history.state` remembers the page
// and the position, and coming back restores both.

const results = document.getElementById("results");
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
const MOST = 20; // pages that one request may bring
const pager = () => results.querySelector("[data-pager]");
const pages = () => [...results.querySelectorAll("ul.grid[data-page]")];
const emptied = new WeakMap();
let isLoading = false;
let byTab = false;

// A keyboard that walks over the cards would never reach what comes after them; it has the "Show more" link.
addEventListener("keydown", (event) => { byTab = event.key === "Tab"; }, true);
for (const other of ["wheel", "touchmove", "pointerdown"]) addEventListener(other, () => { byTab = false; }, { passive: true });

const near = new IntersectionObserver((seen) => {
  if (seen.some((each) => each.isIntersecting) && !byTab) more();
}, { rootMargin: "1400px 0px" });

const kept = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) isIntersecting ? fill(target) : empty(target);
}, { rootMargin: "5000px 0px" });

function empty(grid) {
  if (!grid.getHTML || !grid.isConnected || !grid.firstElementChild || grid.contains(document.activeElement)) return;
  grid.style.height = `${grid.offsetHeight}px`;
  emptied.set(grid, grid.getHTML());
  grid.replaceChildren();
}

async function fill(grid) {
  if (grid.firstElementChild || grid.dataset.isFilling) return;
  grid.dataset.isFilling = true;
  const html = emptied.get(grid);
  const cards = html ? parse(html) : (await fetchCards(`&page=${grid.dataset.page}`).catch(() => null))?.querySelector("ul.grid");
  delete grid.dataset.isFilling;
  if (!cards) return;
  grid.replaceChildren(...cards.children);
  grid.style.height = "";
}

function parse(html) {
  const made = document.createElement("template");
  made.innerHTML = html; // our own page, from our own server
  return made.content;
}

// The boxes were measured at another width.
addEventListener("resize", () => {
  const full = pages().find((grid) => grid.firstElementChild && grid.nextElementSibling?.matches("ul.grid"));
  for (const grid of pages()) if (!grid.firstElementChild && full) grid.style.height = `${full.offsetHeight}px`;
});

async function ask(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(String(answer.status));
  return parse(await answer.text());
}

function fetchCards(which) {
  const base = results.querySelector("[data-cards]").dataset.cards;
  return ask(`${base}${base.includes("?") ? "" : "?"}${which}`);
}

function add(content) {
  const grids = [...content.querySelectorAll("ul.grid")];
  pager().replaceWith(content);
  watch();
  return grids;
}

function watch() {
  near.disconnect();
  if (pager()?.firstElementChild) near.observe(pager());
  for (const grid of pages()) kept.observe(grid);
}

function remember() {
  if (history.state?.dialog) return;
  const last = pages().at(-1)?.dataset.page ?? 1;
  history.replaceState({ ...history.state, pages: Number(last), y: Math.round(scrollY) }, "");
}

async function more(isAsked = false) {
  const link = pager()?.querySelector("[data-more]");
  if (!link || isLoading) return;
  isLoading = true;
  const place = pager();
  place.classList.remove("pager--failed");
  place.classList.add("pager--loading");
  try {
    const content = await ask(link.dataset.more);
    if (!place.isConnected) return; // another search has taken over
    const [first] = add(content);
    if (isAsked) first?.querySelector("a.card__link")?.focus();
    tell("botbot:announce", `Page ${first?.dataset.page} is there`);
    remember();
  } catch {
    place.classList.add("pager--failed");
    link.textContent = "The next ones didn’t arrive. Try again";
  } finally {
    place.classList.remove("pager--loading");
    isLoading = false;
  }
}

results.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-more]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  more(true);
});
addEventListener("online", () => pager()?.matches(".pager--failed") && more());

// Everything up to the page where one was: boxes for what is far above, cards for the last pages.
async function restore(state) {
  const first = pages().at(-1);
  const from = first ? Number(first.dataset.page) + 1 : 0;
  if (first && state?.pages >= from) {
    const start = Math.max(from, state.pages - MOST + 1);
    const content = await fetchCards(`&page=${start}&pages=${state.pages - start + 1}`).catch(() => null);
    if (!content || !first.isConnected) return;
    for (let page = from; page < start; page += 1) {
      const box = Object.assign(document.createElement("ul"), { className: "grid" });
      box.dataset.page = page;
      box.style.height = `${first.offsetHeight}px`;
      pager().before(box);
    }
    add(content);
  }
  if (state?.y !== undefined) scrollTo({ top: state.y, behavior: "instant" });
}

// The same cards in another order, where the address names none.
document.addEventListener("botbot:sort", async ({ detail }) => {
  const place = pages()[0];
  if (!place) return;
  const base = results.querySelector("[data-cards]");
  base.dataset.cards = `/cards?${new URLSearchParams([...new URL(base.dataset.cards, location).searchParams, ["sortBy", detail]])}`;
  const content = await fetchCards("&page=1").catch(() => null);
  if (!content || !place.isConnected) return;
  for (const grid of pages()) grid.remove();
  add(content);
});

// Quick sideways steps along a shelf, for those with a mouse.
function shelves() {
  for (const steps of results.querySelectorAll("[data-steps]")) {
    const row = steps.closest(".shelf").querySelector(".shelf__row");
    steps.classList.toggle("shelf__steps--needed", row.scrollWidth > row.clientWidth);
    steps.onclick = (event) => {
      const step = event.target.closest("[data-step]");
      if (step) row.scrollBy({ left: step.dataset.step * row.clientWidth * 0.85, behavior: "smooth" });
    };
  }
}

let soon = 0;
addEventListener("scroll", () => {
  clearTimeout(soon);
  soon = setTimeout(remember, 200);
}, { passive: true });
addEventListener("pagehide", remember);
document.addEventListener("botbot:leaving", remember);
document.addEventListener("botbot:results", ({ detail }) => {
  shelves();
  watch();
  if (detail?.restore) restore(history.state);
});

history.scrollRestoration = "manual";
requestAnimationFrame(() => setTimeout(shelves)); // measuring waits until the first picture is there
watch();
restore(history.state);
