// One open ticket: what is new is appended, what changed is swapped by id; the draft and the scroll position stay.

import { clock, everyTime, toast } from "./console-tools.js";

const STAGES = { reading: "is reading", searching: "is searching the help centre", looking_up: "is looking up the order", writing: "is writing", checking: "is checking its answer" };
let busy = false, again = false, quiet = 0;

const thread = () => document.getElementById("thread");
const composer = () => document.getElementById("composer");
const text = () => document.getElementById("text");
const press = (act) => document.querySelector(`[data-act="${act}"]`);

const same = (a, b) => a.outerHTML.replace(/>\d\d:\d\d</g, "><") === b.outerHTML.replace(/>\d\d:\d\d</g, "><");

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(10)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function look() {
  if (!thread()) return;
  if (busy) { again = true; return; }
  busy = true;
  try { await htmx.ajax("GET", thread().dataset.news, { target: "#news", swap: "innerHTML" }); } catch { /* said by the error handler */ }
  busy = false;
  if (again) { again = false; look(); }
}

function take(news) {
  const items = news.querySelector("[data-items]");
  if (!items || !thread() || items.dataset.number !== thread().dataset.number) return;
  for (const item of [...items.children]) {
    const shown = document.getElementById("thread").querySelector(`#${CSS.escape(item.id)}`);
    if (shown && !item.matches(".day")) { if (!same(shown, item)) shown.replaceWith(item); }
    else if (!shown && !("old" in item.dataset)) thread().append(item);
  }
  thread().dataset.seq = Math.max(Number(thread().dataset.seq), Number(items.dataset.seq));
  thread().dataset.event = Math.max(Number(thread().dataset.event), Number(items.dataset.event));
  for (const part of [...news.querySelectorAll("[data-swap]")]) put(part);
  const state = news.querySelector("[data-state]")?.dataset;
  if (state) settle(state);
  const said = news.querySelector("[data-said]");
  if (said) toast(said.textContent, said.dataset.said);
  news.replaceChildren();
  everyTime(document.body);
}

function put(part) {
  const place = document.getElementById(part.dataset.swap);
  if (!place || place.innerHTML === part.innerHTML || place.querySelector(":popover-open, select:focus")) return;
  const open = [...place.querySelectorAll("details[id]")].map((each) => [each.id, each.open]);
  const held = place.contains(document.activeElement) ? document.activeElement.dataset.act : null;
  place.replaceChildren(...part.childNodes);
  for (const [id, was] of open) { const now = document.getElementById(id); if (now) now.open = was; }
  htmx.process(place);
  if (held !== null) (place.querySelector(`[data-act="${held}"]`) || text() || place.querySelector("button"))?.focus();
}

function settle(state) {
  const form = composer(), can = state.canReply === "1";
  if (form) {
    const [reply, note] = ["reply", "note"].map((kind) => form.querySelector(`[name=kind][value=${kind}]`));
    const could = !reply.disabled;
    reply.disabled = !can;
    reply.parentElement.title = can ? "" : "Take over before you reply";
    if (!can) note.checked = true;
    // The wheel just came to this teammate: an empty composer turns to the customer.
    else if (!could && !text().value.trim()) { reply.checked = true; text().focus(); }
    material();
  }
  working(state.works === "1" ? "is working" : "");
}

function working(words) {
  const line = document.getElementById("working");
  if (!line) return;
  clearTimeout(quiet);
  line.hidden = !words;
  if (!words) return;
  line.querySelector("span").textContent = `${thread().dataset.agent} ${words}…`;
  quiet = setTimeout(() => { line.hidden = true; }, 30000);
}

function kind() {
  return composer()?.querySelector("[name=kind]:checked")?.value || "note";
}

function material() {
  if (!text()) return;
  text().placeholder = text().dataset[kind()];
  composer().setAttribute("action", composer().querySelector(`[data-send=${kind()}]`).formAction);
}

function choose(which) {
  const radio = composer()?.querySelector(`[name=kind][value=${which}]`);
  if (!radio) return;
  if (radio.disabled) return press("take-over")?.focus();
  radio.checked = true;
  material();
  text().focus();
}

const draftKey = () => `draft.${composer().dataset.draft}`;

function keep() {
  if (text().value.trim()) {
    const at = clock();
    localStorage.setItem(draftKey(), JSON.stringify({ text: text().value, kind: kind(), at }));
    document.getElementById("draft-time").textContent = `Draft saved ${at}`;
  } else drop();
}

function drop() {
  localStorage.removeItem(draftKey());
  document.getElementById("draft-time").textContent = "";
}

function restore() {
  if (!composer()) return;
  material();
  let draft = null;
  try { draft = JSON.parse(localStorage.getItem(draftKey())); } catch { /* unreadable: none */ }
  if (!draft?.text || text().value) return;
  text().value = draft.text;
  // What was a private note is never put back as a reply.
  const radio = composer().querySelector(`[name=kind][value=${draft.kind === "reply" ? "reply" : "note"}]`);
  if (!radio.disabled) radio.checked = true;
  document.getElementById("draft-time").textContent = `Draft saved ${draft.at}`;
  material();
}

function fault(words) {
  const line = document.getElementById("text-error");
  if (!line) return;
  line.hidden = !words;
  line.textContent = words || "";
  if (words) text().setAttribute("aria-invalid", "true"); else text().removeAttribute("aria-invalid");
}

// Shows the words at once, marked as under way; the answer replaces them.
function sending(event) {
  const button = event.detail.elt;
  if (!button.matches?.("[data-send]")) return;
  fault("");
  if (!text().value.trim()) { event.preventDefault(); fault("Write a few words first."); return text().focus(); }
  const copy = document.getElementById("pending").content.cloneNode(true), article = copy.querySelector("article");
  if (button.dataset.send === "note") article.className = "message note pending";
  copy.querySelector(".body p").textContent = text().value;
  thread().append(copy);
  button.setAttribute("aria-disabled", "true");
}

function sent(event) {
  const button = event.detail.elt;
  if (!button.matches?.("[data-send]")) return;
  for (const pending of document.querySelectorAll(".message.pending")) pending.remove();
  button.removeAttribute("aria-disabled");
  if (event.detail.successful) {
    text().value = "";
    drop();
    composer().querySelector("[name=client_id]").value = newId();
    button.closest("[popover]")?.hidePopover();
    text().focus();
  } else if (event.detail.xhr?.status === 422) fault(document.querySelector("#toasts .toast:last-child span")?.textContent || "This cannot be sent.");
}

export const ticket = {
  start() {
    restore();
    document.addEventListener("input", (event) => { if (event.target === text()) { fault(""); clearTimeout(keep.timer); keep.timer = setTimeout(keep, 400); } });
    document.addEventListener("change", (event) => { if (event.target.matches?.("#composer [name=kind]")) { material(); if (text().value.trim()) keep(); text().focus(); } });
    document.addEventListener("click", (event) => {
      const acted = event.target.closest("[popover] [hx-post]");
      if (acted && !acted.matches("[data-send]")) acted.closest("[popover]").hidePopover();
    });
    document.body.addEventListener("htmx:beforeRequest", sending);
    document.body.addEventListener("htmx:afterRequest", sent);
    document.body.addEventListener("htmx:afterRequest", (event) => {
      if (event.detail.elt.id === "hand-back" && event.detail.successful) { event.detail.elt.hidePopover(); event.detail.elt.reset(); }
    });
  },

  marks() {
    if (!thread()) return null;
    return { "X-Seen": `${thread().dataset.seq}.${thread().dataset.event}`, "X-Page": document.body.dataset.ticket && document.getElementById("details") ? "ticket" : "preview" };
  },

  composing(event) {
    const mod = event.metaKey || event.ctrlKey;
    if (event.target !== text() || !mod || event.key !== "Enter") return false;
    event.preventDefault();
    composer().querySelector(`[data-send=${kind() === "note" ? "note" : event.shiftKey ? "resolve" : "reply"}]`).click();
    return true;
  },

  key(key) {
    if (!thread()) return false;
    if (key === "r" || key === "n") { choose(key === "r" ? "reply" : "note"); return true; }
    if (key === "w") { [...document.querySelectorAll('#thread [data-act="why"]')].pop()?.click(); return true; }
    const act = { t: "take-over", h: "hand-back", a: "assign", e: "resolve" }[key];
    if (act) press(act)?.click();
    return Boolean(act);
  },

  press(act) {
    if (act === "reply" || act === "note") choose(act); else if (act === "why") this.key("w"); else press(act)?.click();
  },

  changed(frame) {
    if (!thread()) return;
    if (frame.ticket_id === null || frame.ticket_id === Number(thread().dataset.id)) look();
    if (frame.code === "identity.proven" && frame.ticket_id === Number(thread().dataset.id)) document.body.dispatchEvent(new Event("identity"));
  },

  presence(frame) {
    if (!thread() || frame.ticket_id !== Number(thread().dataset.id) || frame.kind !== "progress") return;
    working(STAGES[frame.data.stage] || "");
  },

  swapped(event) {
    if (event.detail.target.id === "news") take(event.detail.target);
    if (event.detail.target.id === "preview") restore();
  },

  failed(event) {
    if (event.detail.elt?.matches?.("[data-send]")) fault("Not sent. Your text is kept here.");
  },
};
