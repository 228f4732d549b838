// The list of tickets: rows change where they stand, new ones wait, nothing moves under the hand.

import { everyTime } from "./console-tools.js";

const section = document.getElementById("list");
let dirty = new Set(), waiting = new Set(), busy = false, timer = 0, asked = null, opening = 0;

const body = () => document.getElementById("list-body");
const rows = () => [...document.querySelectorAll("#tickets > .ticket:not(.left)")];
const row = (id) => document.getElementById(`ticket-${id}`);
const isWide = () => document.getElementById("preview")?.offsetParent !== null;

function current() {
  return section?.querySelector(".ticket:has([aria-current])") || null;
}

function mark(li) {
  for (const link of section.querySelectorAll(".subject [aria-current]")) link.removeAttribute("aria-current");
  li?.querySelector(".subject a")?.setAttribute("aria-current", "true");
}

function address(query) {
  const params = new URLSearchParams(query ?? body()?.dataset.query);
  const open = current()?.dataset.number;
  if (open) params.set("open", open);
  const text = params.toString();
  return text ? `?${text}` : location.pathname;
}

// Shows one ticket beside the list; the newest wish wins.
function show(li, focus = true) {
  const link = li.querySelector(".subject a"), wish = ++opening;
  mark(li);
  if (focus) link.focus({ preventScroll: true });
  li.scrollIntoView({ block: "nearest" });
  history.replaceState(history.state, "", address());
  setTimeout(() => {
    if (wish === opening) htmx.ajax("GET", link.dataset.preview, { target: "#preview", swap: "innerHTML" });
  }, 60);
}

function ask() {
  clearTimeout(timer);
  timer = setTimeout(fetchRows, 250);
}

async function fetchRows() {
  if (busy || !dirty.size) return;
  busy = true;
  const ids = [...dirty].slice(0, 200);
  dirty = new Set([...dirty].slice(200));
  const query = body().dataset.query;
  try {
    const answer = await fetch(`${section.dataset.rows}?ids=${ids.join(",")}&${query}`, { headers: { "X-Requested-With": "fetch", "X-As-Member": document.body.dataset.member } });
    if (answer.ok && !answer.redirected && query === body().dataset.query) place(ids, await answer.text());
  } catch { for (const id of ids) dirty.add(id); timer = setTimeout(fetchRows, 3000); }
  busy = false;
  if (dirty.size) ask();
}

function place(ids, html) {
  const answer = new DOMParser().parseFromString(html, "text/html");
  for (const id of ids) {
    const fresh = answer.getElementById(`ticket-${id}`), shown = row(id);
    const listed = fresh && !fresh.classList.contains("left");
    if (shown) {
      waiting.delete(id);
      if (fresh) swap(shown, fresh); else shown.classList.add("left");
    } else if (listed) waiting.add(id); else waiting.delete(id);
  }
  for (const now of answer.querySelectorAll("[data-now]"))
    for (const count of document.querySelectorAll(`[data-count="${CSS.escape(now.dataset.now)}"]`)) count.textContent = now.textContent;
  everyTime(section);
  tell();
}

function swap(shown, fresh) {
  const had = shown.contains(document.activeElement), was = shown.querySelector("[aria-current]");
  const node = document.importNode(fresh, true);
  if (was) node.querySelector(".subject a").setAttribute("aria-current", "true");
  shown.replaceWith(node);
  if (had) node.querySelector(".subject a").focus({ preventScroll: true });
}

function tell() {
  const line = document.getElementById("new-tickets");
  if (!line) return;
  // With nothing on screen there is nothing to move: just show them.
  if (waiting.size && !rows().length) return refresh();
  line.hidden = !waiting.size;
  line.parentElement.classList.toggle("has-news", waiting.size > 0);
  line.querySelector("span").textContent = `${waiting.size} new ${waiting.size === 1 ? "ticket" : "tickets"}`;
}

function refresh(query = body().dataset.query) {
  asked = query;
  htmx.ajax("GET", `/console/?${query}`, { target: "#list", swap: "innerHTML" });
}

function step(by) {
  const all = rows(), at = all.indexOf(current());
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  if (!next) return;
  if (isWide()) return show(next);
  mark(next);
  next.querySelector(".subject a").focus();
}

export const list = {
  start() {
    if (!section) return;
    section.addEventListener("click", (event) => {
      if (event.target.closest("[data-show]")) return refresh();
      if (event.target.closest("[data-retry]")) return refresh(asked ?? undefined);
      const link = event.target.closest(".subject a");
      // Enter on a row, a new tab and narrow screens open the ticket's own page.
      if (!link || !isWide() || !event.detail || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      show(link.closest(".ticket"));
    });
    current()?.scrollIntoView({ block: "nearest" });
  },

  key(key) {
    if (!section) return false;
    if (key === "j" || key === "k") { step(key === "j" ? 1 : -1); return true; }
    if (key === "f") { document.getElementById("filter-button").click(); return true; }
    if (key === "/") { document.getElementById("list-q").focus(); return true; }
    if (key === "enter" && current() && document.activeElement === document.body) { current().querySelector(".subject a").click(); return true; }
    return false;
  },

  changed(frame) {
    if (!section || !body()) return;
    if (frame.ticket_id === null) for (const li of document.querySelectorAll("#tickets > .ticket")) dirty.add(Number(li.dataset.id));
    else dirty.add(frame.ticket_id);
    if (!dirty.size) dirty.add(0);
    ask();
  },

  presence(frame) {
    const line = section && row(frame.ticket_id)?.querySelector(".meta p");
    if (!line || frame.kind !== "progress") return;
    if (frame.data.stage === "done") { dirty.add(frame.ticket_id); return ask(); }
    const now = document.createElement("em");
    now.textContent = "is working…";
    line.replaceChildren(now);
  },

  swapped(event) {
    if (event.detail.target.id !== "list") return;
    waiting.clear();
    dirty.clear();
    if (asked !== null) history.replaceState(history.state, "", address());
    asked = null;
    const open = document.getElementById("thread")?.dataset.id;
    if (open) mark(row(open));
    const search = document.getElementById("list-q");
    if (search?.value) { search.focus(); search.setSelectionRange(search.value.length, search.value.length); }
  },

  failed(event) {
    if (!section || event.detail.target?.id !== "list") return false;
    asked = new URL(event.detail.pathInfo.finalRequestPath || event.detail.pathInfo.requestPath, location).search.slice(1);
    body().replaceChildren(document.getElementById("list-error").content.cloneNode(true));
    return true;
  },
};
