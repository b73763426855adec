// The heart turns at once; if that could not be saved it turns back, and taking one away can be undone.

const say = (text, undo) => document.dispatchEvent(new CustomEvent("botbot:toast", { detail: undo ? { text, undo } : text }));

function show(slug, isOn) {
  for (const form of document.querySelectorAll(`form[data-favourite="${CSS.escape(slug)}"]`)) {
    const button = form.querySelector("button");
    button.value = isOn ? "remove" : "add";
    button.setAttribute("aria-pressed", isOn);
  }
}

async function set(slug, isOn, form) {
  show(slug, isOn);
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
