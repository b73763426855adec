// Keeps an open server page live: hears which channel changed and fetches just its messages. Without this script the
// page works the same, with a Refresh link.
const server = document.querySelector("[data-server]");
const base = `/servers/${server.dataset.server}`;
const typingEnds = new Map();

async function fragment(path) {
  const answer = await fetch(base + path, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html").body;
}

function toEnd(scroll) {
  scroll.scrollTop = scroll.scrollHeight;
}

async function refreshChannel(id) {
  const scroll = document.querySelector(`[data-channel="${id}"] [data-messages]`);
  if (!scroll) return;
  const wasAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  const fresh = await fragment(`/channels/${id}/messages`);
  scroll.replaceChildren(...fresh.childNodes);
  if (wasAtEnd) toEnd(scroll);
  clearTimeout(typingEnds.get(id));
  if (scroll.querySelector(".dots")) typingEnds.set(id, setTimeout(() => refreshChannel(id), 10_500));
}

async function refreshMembers() {
  document.querySelector("[data-members]").replaceChildren(...(await fragment("/members")).childNodes);
}

// The bot came, went, connected or left: renew what each form says about it, and nothing that is being typed.
async function refreshBot() {
  const fresh = await fragment("");
  for (const form of document.querySelectorAll(".compose")) {
    const renewed = fresh.querySelector(`#${form.closest(".channel").id} .compose`);
    form.querySelector(".hint")?.remove();
    form.prepend(...renewed.querySelectorAll(".hint"));
    form.elements.mention.checked = renewed.elements.mention.checked;
  }
  await refreshMembers();
}

async function refreshAll() {
  await Promise.all([...document.querySelectorAll("[data-channel]")].map((each) => refreshChannel(each.dataset.channel)));
  await refreshBot();
}

function listen() {
  const news = new EventSource(`${base}/events`);
  let hasFailed = false;
  news.addEventListener("channel", (event) => refreshChannel(event.data));
  news.addEventListener("members", refreshMembers);
  news.addEventListener("bot", refreshBot);
  news.addEventListener("error", () => { hasFailed = true; });
  news.addEventListener("open", () => { if (hasFailed) refreshAll(); hasFailed = false; });
}

async function send(form) {
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
  if (answer.type !== "opaqueredirect") return form.submit(); // the page explains what was wrong
  form.elements.content.value = "";
  form.querySelector(".replying, .problem")?.remove();
  await refreshChannel(form.closest("[data-channel]").dataset.channel);
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".compose")) return;
  event.preventDefault();
  send(event.target).catch(() => event.target.submit());
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || !event.target.matches(".compose textarea")) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

function showEnd() {
  document.querySelectorAll("[data-messages]").forEach(toEnd);
}

document.documentElement.classList.add("is-live");
addEventListener("hashchange", showEnd);
showEnd();
listen();
