// One box ticks the whole page of a table, and how many are ticked is said; without a script each has its own.
for (const all of document.querySelectorAll("[data-all]")) {
  const form = all.closest("form");
  const boxes = [...form.querySelectorAll("input[name=id]")];
  const [whole, said] = [all.querySelector("input"), form.querySelector("[data-ticked]")];
  const follow = () => {
    const count = boxes.filter((box) => box.checked).length;
    whole.checked = count > 0 && count === boxes.length;
    whole.indeterminate = count > 0 && count < boxes.length;
    if (said) said.textContent = count ? `${count} ticked` : "";
  };
  all.hidden = !boxes.length;
  whole.addEventListener("change", () => {
    for (const box of boxes) box.checked = whole.checked;
    follow();
  });
  for (const box of boxes) box.addEventListener("change", follow);
  follow();
}
