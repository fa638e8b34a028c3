// A file that the portal would refuse is refused before it is sent: the answer comes at once, at the field.

for (const input of document.querySelectorAll("input[type=file][data-max-bytes]")) {
  const limit = Number(input.dataset.maxBytes);
  const id = `${input.id}_error`;
  const hint = `${input.id}_helptext`;

  // Replaces what the server said of an earlier file.
  const say = (text) => {
    document.getElementById(id)?.remove();
    input.classList.toggle("is-invalid", Boolean(text));
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    input.setAttribute("aria-describedby", text ? `${hint} ${id}` : hint);
    if (!text) return;
    const box = Object.assign(document.createElement("div"), { id, className: "field-error", role: "alert", textContent: text });
    input.after(box);
  };
  const tooLarge = () => [...input.files].find((file) => file.size > limit);
  const check = () => {
    const file = tooLarge();
    say(file ? `${file.name} has ${Math.ceil(file.size / 2 ** 20)} MiB; at most ${limit / 2 ** 20} are taken. Leave data out; read it from a shared path.` : "");
  };

  input.addEventListener("change", check);
  input.form.addEventListener("submit", (event) => {
    if (!tooLarge()) return;
    event.preventDefault();
    check();
    input.focus();
  });
}
