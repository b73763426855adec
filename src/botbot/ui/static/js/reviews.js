// Reviews and reports without leaving the page: every form and link here works by itself too. What comes back is the
// page's own fragment, of which the part with the reviews takes the place of the present one.

const asFragment = { "HX-Request": "true", Accept: "text/html" };
const tell = (text) => document.dispatchEvent(new CustomEvent("botbot:toast", { detail: text }));

async function ask(url, options = {}) {
  const answer = await fetch(url, { ...options, headers: asFragment });
  const made = document.createElement("template");
  made.innerHTML = await answer.text(); // our own page, from our own server
  return { ok: answer.ok, moved: answer.redirected, content: made.content };
}

const problemIn = (content) => content.querySelector("[role=alert]")?.textContent.trim() || "That didn’t work just now. Please try again.";
// A button named "action" hides the form's own property, hence the attribute.
const post = (form, submitter) => ask(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(form, submitter)) });

function replaceReviews(content) {
  const made = content.querySelector("#reviews");
  if (made) document.getElementById("reviews").replaceWith(made);
  return made;
}

async function refresh(gone) {
  const { ok, content } = await ask(location.href);
  if (ok) replaceReviews(content)?.querySelector("h2").after(gone);
}

async function sendInPlace(form, submitter) {
  const { ok, content } = await post(form, submitter);
  if (!ok) return tell(problemIn(content));
  const gone = content.querySelector("[data-gone]");
  if (gone) await refresh(gone);
  else replaceReviews(content);
  document.querySelector(form.dataset.focus)?.focus();
  if (form.dataset.done) tell(form.dataset.done);
}

async function follow(link) {
  const { ok, content } = await ask(link.href);
  if (!ok) return location.assign(link.href);
  if (link.dataset.reviews === "sort") {
    history.replaceState(history.state, "", link.href);
    replaceReviews(content)?.querySelector("[data-reviews=sort][aria-current]")?.focus();
    return;
  }
  const more = [...content.querySelectorAll("#reviews .review")];
  document.querySelector("#reviews .reviews").append(...more);
  const next = content.querySelector("#reviews [data-reviews=more]");
  if (next) link.replaceWith(next);
  else link.remove();
  more[0]?.querySelector("a, button")?.focus();
}

// The report's page, in a dialog of its own.
let reporting = null;

function reportDialog() {
  if (reporting) return reporting;
  reporting = document.createElement("dialog");
  reporting.className = "dialog dialog--small";
  reporting.setAttribute("aria-labelledby", "report-title");
  const close = Object.assign(document.createElement("form"), { method: "dialog", className: "dialog__close" });
  close.append(Object.assign(document.createElement("button"), { className: "button button--quiet", textContent: "Close" }));
  const body = document.createElement("div");
  body.dataset.reportBody = "";
  reporting.append(close, body);
  reporting.addEventListener("click", (event) => { if (event.target === reporting) reporting.close(); });
  document.body.append(reporting);
  return reporting;
}

function showReport(content) {
  const dialog = reportDialog();
  dialog.querySelector("[data-report-body]").replaceChildren(content);
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("[role=alert], input, [data-report-body] a")?.focus();
}

async function sendReport(form, submitter) {
  const { ok, moved, content } = await post(form, submitter);
  if (!ok || !moved) return showReport(content);
  if (form.isConnected) reportDialog().close(); // it may show another by now
  tell("Thank you. A moderator will look at it.");
}

async function busyWhile(element, work) {
  if (element.ariaBusy === "true") return;
  element.ariaBusy = "true";
  try {
    await work();
  } catch {
    tell("No answer from here. Are you online?");
  }
  element.ariaBusy = null;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const send = form.matches("[data-in-place]") ? sendInPlace : form.matches("dialog [data-report-form]") ? sendReport : null;
  if (!send) return;
  event.preventDefault();
  busyWhile(form, () => send(form, event.submitter));
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-reviews], a[data-report]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  busyWhile(link, async () => {
    if (link.dataset.reviews) return follow(link);
    const { ok, content } = await ask(link.href);
    if (ok) showReport(content);
    else location.assign(link.href);
  });
});

document.addEventListener("input", (event) => {
  const counter = event.target.dataset.counted && document.getElementById(event.target.dataset.counted);
  if (counter) counter.textContent = `${event.target.value.length.toLocaleString("en")} of ${event.target.maxLength.toLocaleString("en")} characters`;
});
