// On every page: colours, toasts, offline, the `/` key. Other modules speak to it through events on the document.

const announcer = document.querySelector("[data-announcer]");
const toasts = document.querySelector("[data-toasts]");
const offline = document.querySelector("[data-offline]");

function announce(text) {
  announcer.textContent = ""; // the same words twice would be no news
  setTimeout(() => { announcer.textContent = text; }, 50);
}

// A toast stays as long as somebody points at it or stands on it.
function dismiss(toast, after = 6000) {
  let timer = 0;
  const start = () => { timer = setTimeout(() => toast.remove(), after); };
  for (const stop of ["pointerenter", "focusin"]) toast.addEventListener(stop, () => clearTimeout(timer));
  for (const go of ["pointerleave", "focusout"]) toast.addEventListener(go, start);
  start();
}

// `detail` is the text, or {text, undo}: a function that takes back what the toast tells of.
function toast(detail) {
  const { text, undo } = typeof detail === "string" ? { text: detail } : detail;
  const made = document.createElement("p");
  made.className = "toast";
  made.append(text);
  if (undo) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "toast__undo", textContent: "Undo" });
    button.addEventListener("click", () => { made.remove(); undo(); });
    made.append(button);
  }
  // What lies outside an open dialog is neither seen nor said.
  ([...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body).append(toasts);
  toasts.append(made);
  dismiss(made, undo ? 10000 : 6000);
}

document.addEventListener("botbot:announce", (event) => announce(event.detail));
document.addEventListener("botbot:toast", (event) => toast(event.detail));
toasts.querySelectorAll(".toast").forEach((each) => dismiss(each));

// The cookie is set by the server; the page only changes before the answer is there.
const themeForm = document.querySelector("[data-theme-form]");
const nextTheme = { auto: "dark", dark: "light", light: "auto" };
const themeWords = { auto: "automatic", dark: "dark", light: "light" };
themeForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const button = themeForm.querySelector("button");
  const theme = button.value;
  const next = themeForm.elements.next.value;
  fetch(themeForm.action, { method: "POST", body: new URLSearchParams({ theme, next }), redirect: "manual" }).catch(() => {});
  document.documentElement.dataset.theme = theme;
  button.value = nextTheme[theme];
  themeForm.querySelector("[data-theme-label]").textContent = `Switch to ${themeWords[button.value]} colours`;
  announce(`Colours: ${themeWords[theme]}`);
});

const showConnection = () => { offline.hidden = navigator.onLine; };
addEventListener("online", showConnection);
addEventListener("offline", showConnection);
showConnection();

const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]");
document.addEventListener("keydown", (event) => {
  const search = document.getElementById("search");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || !search) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  search.focus();
  search.select();
});

function whatWentWrong(request) {
  try {
    return JSON.parse(request.responseText).message;
  } catch {
    return "That didn’t work just now. Please try again.";
  }
}

document.addEventListener("htmx:responseError", (event) => toast(whatWentWrong(event.detail.xhr)));
document.addEventListener("htmx:sendError", () => toast("No answer from here. Are you online?"));
document.addEventListener("htmx:afterSwap", () => {
  const heading = document.querySelector("[data-announce] h1");
  if (heading) announce(heading.textContent.trim());
});
document.addEventListener("toggle", (event) => {
  if (event.newState === "open" && event.target.matches?.("details.confirm")) event.target.querySelector("input, button")?.focus();
}, true);
