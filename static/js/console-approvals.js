// Approvals: the count on every page, the live list, and cards that change under the reader's eyes without losing what is typed.

import { everyTime, toast } from "./console-tools.js";

const section = document.getElementById("approvals");
const news = document.querySelector("[data-approvals]")?.dataset.approvals;
let busy = false, again = false, timer = 0, opening = 0, held = false, entering = false;

const slots = () => [...document.querySelectorAll("[data-ask]")];
const slot = (id) => document.querySelector(`[data-ask="${CSS.escape(id)}"]`);
const forms = (id) => [...document.querySelectorAll(`form[data-of="${CSS.escape(id)}"]`)];
const rows = () => [...document.querySelectorAll("#asks > .ticket")];
const link = (row) => row?.querySelector(".subject a");
const isWide = () => matchMedia("(min-width: 64.01rem)").matches;
const chosen = () => rows().find((row) => link(row).hasAttribute("aria-current"));

function say(words) {
  const line = document.getElementById("approvals-said");
  if (line) line.textContent = words;
}

function ask() {
  if (document.hidden || !news) { held = true; return; }
  // On the list of tickets the counts come with its rows, and a card with its ticket.
  if (document.getElementById("list")) return;
  clearTimeout(timer);
  timer = setTimeout(look, section || slots().length ? 250 : 1500);
}

async function look() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch(news, { headers: { ...approvals.marks(), "X-Requested-With": "fetch", "X-As-Member": document.body.dataset.member } });
    if (answer.ok && !answer.redirected) take(new DOMParser().parseFromString(await answer.text(), "text/html").body);
  } catch { timer = setTimeout(look, 3000); }
  busy = false;
  if (again) { again = false; ask(); }
}

// The answer to an act and to every hint: counts, the list, cards.
function take(answer) {
  for (const now of answer.querySelectorAll('[data-now="rail-approvals"]'))
    for (const count of document.querySelectorAll('[data-count="rail-approvals"]')) count.textContent = now.textContent;
  const before = rows().map((row) => row.dataset.id), done = answer.querySelector("[data-done]"), fault = answer.querySelector("[data-fault]");
  const acted = (done || fault)?.dataset.done || fault?.dataset.fault;
  const within = acted && (slot(acted)?.contains(document.activeElement) || forms(acted).some((form) => form.contains(document.activeElement)));
  const fresh = answer.querySelector("[data-list]");
  if (fresh && section) list(fresh);
  for (const card of answer.querySelectorAll("[data-ask-now]")) put(card, card.dataset.askNow === acted, Boolean(done));
  const added = rows().filter((row) => !before.includes(row.dataset.id));
  if (fresh && added.length) say(added.map((row) => `New: ${link(row).textContent}, ${row.querySelector(".num").textContent}`).join(". "));
  if (fault) refuse(acted, fault.textContent);
  if (done) { toast(done.textContent, "ok"); for (const form of forms(acted)) form.remove(); }
  if (acted && within && !document.querySelector(`form[data-of="${CSS.escape(acted)}"]:popover-open`)) rest(acted, before);
  everyTime(document.body);
}

function put(card, isOwn, isDone) {
  const id = card.dataset.askNow, shown = slot(id);
  if (!shown) return place(card);
  if (shown.dataset.version === card.dataset.version && !isOwn) return;
  const had = shown.contains(document.activeElement), was = shown.dataset.state;
  shown.dataset.version = card.dataset.version;
  shown.dataset.state = card.dataset.state;
  shown.replaceChildren(...[...card.childNodes].map((node) => document.importNode(node, true)));
  htmx.process(shown);
  if (had) shown.querySelector(".ask").focus({ preventScroll: true });
  if (was === "open" && card.dataset.state !== "open") over(id, isOwn && isDone);
}

// A card for a ticket that is open here: it stands below the thread.
function place(card) {
  const home = document.getElementById("ticket-asks");
  if (!home || card.dataset.state === "decided") return;
  if (!home.firstElementChild) { const box = document.createElement("div"); box.className = "thread asks"; home.append(box); }
  const box = document.createElement("div");
  box.className = "slot-ask";
  Object.assign(box.dataset, { ask: card.dataset.askNow, version: card.dataset.version, state: card.dataset.state });
  box.append(...[...card.childNodes].map((node) => document.importNode(node, true)));
  const extra = card.parentNode?.querySelector(`[data-ask-forms="${CSS.escape(card.dataset.askNow)}"]`);
  home.firstElementChild.append(box, ...(extra ? [...extra.childNodes].map((node) => document.importNode(node, true)) : []));
  htmx.process(home);
  say(`Waits for a decision: ${box.querySelector("h2").textContent}`);
}

// Somebody else was first: what is typed stays to be read and copied, but it cannot be sent any more.
function over(id, isOwn) {
  const words = slot(id).querySelector("[data-decided]")?.textContent.trim().replace(/\s+/g, " ") || "This cannot be decided here any more.";
  if (!isOwn) say(words);
  for (const form of forms(id)) {
    if (isOwn || !form.matches(":popover-open")) { form.remove(); continue; }
    refuse(id, words, form);
    for (const button of form.querySelectorAll("[type=submit]")) button.disabled = true;
    form.addEventListener("toggle", (event) => { if (event.newState === "closed") form.remove(); });
  }
}

function refuse(id, words, form = forms(id).find((each) => each.matches(":popover-open"))) {
  const line = form?.querySelector(".error");
  if (!line) return toast(words, "bad");
  line.textContent = words;
  line.hidden = false;
  const field = form.querySelector("input:not([type=hidden]), select");
  field.setAttribute("aria-invalid", "true");
  if (!form.querySelector(":focus:is(textarea, input)")) field.focus();
}

// After a decision the next row is at hand, never the next card: a second press decides nothing.
function rest(id, before) {
  const at = before.indexOf(id), next = rows()[Math.min(Math.max(at, 0), rows().length - 1)];
  (link(next) || slot(id)?.querySelector(".ask") || document.getElementById("list-title"))?.focus?.({ preventScroll: !next });
}

function list(fresh) {
  const active = document.activeElement, href = section.contains(active) ? active.getAttribute("href") : null;
  const shown = slots()[0]?.dataset.ask, open = document.getElementById("decided-today")?.open, top = section.querySelector(".scroll")?.scrollTop || 0;
  section.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  const today = document.getElementById("decided-today");
  if (today && open !== undefined) today.open = open || today.open;
  mark(shown);
  section.querySelector(".scroll").scrollTop = top;
  if (href) section.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
  if (!shown && rows().length && isWide()) show(rows()[0].querySelector("a[data-card]"), false);
}

function mark(id) {
  for (const each of section.querySelectorAll("[aria-current]")) each.removeAttribute("aria-current");
  if (id) link(document.getElementById(`wait-${id}`))?.setAttribute("aria-current", "true");
}

// Shows one card beside the list; the newest wish wins.
function show(anchor, focus = true) {
  const wish = ++opening;
  mark(anchor.closest(".ticket")?.dataset.id);
  if (focus) { anchor.focus({ preventScroll: true }); anchor.scrollIntoView({ block: "nearest" }); }
  history.replaceState(history.state, "", anchor.href);
  // What is shown already stays, with whatever is typed in it.
  if (slot(anchor.dataset.card)) return enter();
  setTimeout(() => { if (wish === opening) htmx.ajax("GET", anchor.href, { target: "#approval", swap: "innerHTML" }); }, 40);
}

// Enter on a row leads into its card, once that is here.
function enter() {
  if (entering) slots()[0]?.querySelector(".ask").focus();
  entering = false;
}

function step(by) {
  const all = rows(), at = all.indexOf(all.find((row) => row.contains(document.activeElement)) || chosen());
  const next = link(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))]);
  if (!next) return;
  if (isWide()) show(next); else next.focus();
}

export const approvals = {
  start() {
    document.addEventListener("visibilitychange", () => { if (held && !document.hidden) { held = false; ask(); } });
    document.addEventListener("input", (event) => {
      const form = event.target.closest?.("form[data-of]"), line = form?.querySelector(".error");
      // What a colleague decided stays said.
      if (line && !form.querySelector("[type=submit]:disabled")) { line.hidden = true; form.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid"); }
    });
    section?.addEventListener("click", (event) => {
      const anchor = event.target.closest("a[data-card]");
      if (!anchor || !isWide() || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      entering = !event.detail;
      show(anchor, Boolean(event.detail));
    });
  },

  marks() {
    const shown = slots().map((each) => each.dataset.ask).join(",");
    return { ...(shown && { "X-Asks": shown }), ...(section && { "X-Page": "approvals" }) };
  },

  // Keys of a card count only while it has the focus.
  key(key, event) {
    const card = document.activeElement?.closest?.(".ask.card");
    const press = (what) => { card.querySelector(`[data-do="${what}"]`)?.click(); return true; };
    if (card && key === "y" && !event.shiftKey) return press("approve");
    if (card && key === "n" && event.shiftKey) return press("reject");
    if (card && key === "e" && !event.shiftKey) return press("edit");
    if (!section) return false;
    if (key === "j" || key === "k") { step(key === "j" ? 1 : -1); return true; }
    if (key === "enter" && document.activeElement === document.body && slots().length) { slots()[0].querySelector(".ask").focus(); return true; }
    return false;
  },

  changed() { ask(); },

  swapped(event) {
    if (event.detail.target.id === "news") {
      // News of a ticket that is not shown any more brings no card.
      const about = event.detail.target.querySelector("[data-items]")?.dataset.number;
      if (about && about !== document.getElementById("thread")?.dataset.number) return;
      // Taken out of the page first: what is asked by id below must find what is shown, not the answer.
      const answer = document.createElement("div");
      answer.append(...event.detail.target.querySelectorAll("[data-ask-now], [data-ask-forms], [data-list], [data-done], [data-fault], [data-now='rail-approvals']"));
      if (answer.firstChild) take(answer);
    }
    if (event.detail.target.id === "approval") enter();
  },
};
