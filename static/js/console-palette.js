// The palette: one field, options from the server, arrows and Enter.

import { ticket } from "./console-ticket.js";

const dialog = document.getElementById("palette"), field = document.getElementById("palette-q"), box = document.getElementById("palette-options");
let wish = 0, timer = 0;

const options = () => [...box.querySelectorAll("[role=option]")];

function select(option) {
  for (const each of options()) each.setAttribute("aria-selected", String(each === option));
  if (option) { field.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
  else field.removeAttribute("aria-activedescendant");
}

async function fill() {
  const mine = ++wish, number = document.getElementById("thread")?.dataset.number || document.body.dataset.ticket || "";
  const query = new URLSearchParams({ q: field.value, ticket: number });
  try {
    const answer = await fetch(`${document.body.dataset.palette}?${query}`, { headers: { "X-As-Member": document.body.dataset.member } });
    if (mine !== wish || !answer.ok) return;
    box.innerHTML = await answer.text();
    select(options()[0]);
  } catch { box.textContent = "The server did not answer. Type again to try again."; }
}

function act(option) {
  dialog.close();
  if (option.dataset.press) ticket.press(option.dataset.press); else location.assign(option.href);
}

export const palette = {
  open() {
    if (!dialog || dialog.open) return;
    for (const other of document.querySelectorAll("dialog[open]")) other.close();
    field.value = "";
    dialog.showModal();
    fill();
  },

  start() {
    if (!dialog) return;
    field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(fill, 120); });
    field.addEventListener("keydown", (event) => {
      const all = options(), at = all.findIndex((each) => each.getAttribute("aria-selected") === "true");
      if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); select(all[(at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]); }
      if (event.key === "Enter" && all[at]) { event.preventDefault(); act(all[at]); }
    });
    box.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (!option || event.metaKey || event.ctrlKey) return;
      event.preventDefault();
      act(option);
    });
  },
};
