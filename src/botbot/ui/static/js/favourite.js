// The heart turns at once; if that could not be saved it turns back, and taking one away can be undone.

const say = (text, undo) => document.dispatchEvent(new CustomEvent("botbot:toast", { detail: undo ? { text, undo } : text }));

function show(slug, isOn) {
  for (const form of document.querySelectorAll(`form[data-favourite="${CSS.escape(slug)}"]`)) {
    const button = form.querySelector("button");
    button.value = isOn ? "remove" : "add";
    button.setAttribute("aria-pressed", isOn);
  }
}

// One after the other: of two requests under way at once, the earlier one could arrive last and win.
let last = Promise.resolve();

function set(slug, isOn, form) {
  show(slug, isOn);
  last = last.then(() => save(slug, isOn, form));
}

async function save(slug, isOn, form) {
  const answer = await fetch(`/api/marketplace/personalities/${slug}/favourite`, { method: isOn ? "PUT" : "DELETE", keepalive: true }).catch(() => null);
  if (answer?.ok) return isOn || say("No longer a favourite.", () => set(slug, true, form));
  show(slug, !isOn);
  if (answer?.status === 401 && form.isConnected) { // signed out meanwhile: the page knows what to do
    delete form.dataset.favourite;
    return form.requestSubmit(form.querySelector("button"));
  }
  say((await answer?.json().catch(() => null))?.message ?? "That didn’t reach us. Are you online?");
}

document.addEventListener("submit", (event) => {
  const { favourite } = event.target.dataset;
  if (!favourite || event.defaultPrevented || !document.querySelector(".me")) return;
  event.preventDefault();
  set(favourite, event.submitter.value === "add", event.target);
});
