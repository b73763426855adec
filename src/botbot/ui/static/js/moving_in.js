// Moving in and looking after it: says while one types whether Discord takes the name, and copies. The server decides.
const hidden = /[\p{Cc}\p{Cf}\p{Cs}]/u;

function problem(name) {
  const plain = name.normalize("NFKC").trim().toLowerCase();
  if (!plain) return "";
  if ([...name.trim()].length > 32) return "Discord takes at most 32 characters.";
  if (plain.includes("discord") || plain.includes("clyde")) return "Discord doesn’t allow “discord” or “clyde” in a name.";
  if (plain === "everyone" || plain === "here") return "Discord keeps that name for itself.";
  return hidden.test(name) ? "It holds a character that nobody can see." : "";
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-nick]")) return;
  const rules = target.form.querySelector("[data-nick-rules]");
  rules.dataset.usual ??= rules.textContent;
  const wrong = problem(target.value);
  const isNews = wrong && wrong !== target.validationMessage;
  target.setCustomValidity(wrong);
  target.setAttribute("aria-invalid", String(Boolean(wrong)));
  rules.classList.toggle("is-wrong", Boolean(wrong));
  rules.textContent = wrong || rules.dataset.usual;
  if (isNews) document.dispatchEvent(new CustomEvent("botbot:announce", { detail: wrong }));
  const shown = document.querySelector(".stages .message--app .message__name bdi");
  if (shown) shown.textContent = wrong ? shown.textContent : target.value.trim() || target.placeholder;
});

// Without a clipboard for scripts (on plain http) the text is selected, for the keyboard to copy.
async function copied(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    return "Copied.";
  } catch {
    const text = button.parentElement.querySelector("input, .hellos__text");
    if (text.select) text.select();
    else getSelection().selectAllChildren(text);
    return "It is selected. Press Ctrl+C to copy it.";
  }
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (button) document.dispatchEvent(new CustomEvent("botbot:toast", { detail: await copied(button) }));
});
