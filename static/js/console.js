// What every page of the console does: menus, theme, keys, times, toasts, the socket.

import { connect } from "./console-socket.js";
import { approvals } from "./console-approvals.js";
import { list } from "./console-list.js";
import { ticket } from "./console-ticket.js";
import { palette } from "./console-palette.js";
import { everyTime, toast, typing } from "./console-tools.js";

const mac = /Mac|iPhone|iPad/.test(navigator.platform);

function names(root) {
  if (!mac) return;
  for (const key of root.querySelectorAll("kbd[data-mod], kbd[data-mod-shift], kbd[data-mod-enter]"))
    key.textContent = "mod" in key.dataset ? "⌘K" : "modEnter" in key.dataset ? "⌘↵" : "⌘⇧↵";
}

function appearance() {
  const chosen = localStorage.getItem("theme") || "";
  for (const radio of document.querySelectorAll("[name=theme]")) {
    radio.checked = radio.value === chosen;
    radio.addEventListener("change", () => {
      if (radio.value) localStorage.setItem("theme", radio.value); else localStorage.removeItem("theme");
      if (radio.value) document.documentElement.dataset.theme = radio.value; else delete document.documentElement.dataset.theme;
    });
  }
  const keys = document.getElementById("single-keys");
  if (!keys) return;
  keys.checked = localStorage.getItem("keys") !== "off";
  keys.addEventListener("change", () => localStorage.setItem("keys", keys.checked ? "on" : "off"));
}

function available() {
  const now = document.querySelector("#me [data-available]")?.dataset.available === "1", dot = document.getElementById("me-dot");
  if (!dot) return;
  if (now) dot.dataset.tone = "ok"; else dot.dataset.tone = "";
  dot.title = now ? "Available" : "Takes no new work";
}

function sayConnection(state) {
  const banner = document.getElementById("offline");
  if (!banner) return;
  clearTimeout(sayConnection.timer);
  if (state === "ready") {
    if (!banner.hidden) toast("Connected again.");
    banner.hidden = true;
  } else if (state === "signed-out") location.reload();
  else if (state === "switched") location.assign("/console/");
  // A blink is no news: only say it when it lasts.
  else sayConnection.timer = setTimeout(() => { banner.hidden = false; }, 4000);
}

let going = 0;
addEventListener("keydown", (event) => {
  const mod = event.metaKey || event.ctrlKey;
  if (mod && event.key.toLowerCase() === "k") { event.preventDefault(); return palette.open(); }
  if (mod && event.key === "/") { event.preventDefault(); return document.getElementById("shortcuts").showModal(); }
  if (ticket.composing(event)) return;
  if (mod || event.altKey || typing(event.target) || document.querySelector("dialog[open]") || localStorage.getItem("keys") === "off") return;
  if (event.key === "?") return document.getElementById("shortcuts").showModal();
  const key = event.key.toLowerCase();
  const place = { t: "/console/", a: "/console/approvals/" }[key];
  if (going && Date.now() - going < 1200 && place) { going = 0; location.assign(place); return; }
  going = key === "g" ? Date.now() : 0;
  if (document.querySelector(":popover-open")) return;
  if (approvals.key(key, event) || list.key(key, event) || ticket.key(key, event)) event.preventDefault();
});

addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener) {
    opener.closest("[popover]")?.hidePopover();
    return opener.dataset.open === "palette" ? palette.open() : document.getElementById(opener.dataset.open).showModal();
  }
  if (event.target.closest("[data-close]")) return event.target.closest("dialog").close();
  if (event.target.matches("dialog")) return event.target.close();
  if (event.target.closest("[data-copy]")) navigator.clipboard?.writeText(location.href).then(() => toast("Link copied."));
});

document.body.addEventListener("htmx:configRequest", (event) => {
  Object.assign(event.detail.headers, approvals.marks(), ticket.marks());
});
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "me") available();
  if (event.detail.target.id === "why") {
    everyTime(event.detail.target);
    if (!event.detail.target.matches(":popover-open")) event.detail.target.showPopover();
  }
  list.swapped(event);
  approvals.swapped(event);
  ticket.swapped(event);
  everyTime(document.body);
  names(document.body);
});
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"])
  document.body.addEventListener(name, (event) => {
    if (list.failed(event)) return;
    const status = event.detail.xhr?.status;
    const switched = event.detail.xhr?.getResponseHeader("X-Switched") && "You switched workspaces, so nothing was done. Reload this page.";
    const why = switched || { 403: "Your role may not do this.", 404: "This ticket is not yours to see any more.", 429: "Too fast. Wait a moment." }[status];
    toast(why || "That did not reach the server. Try again.", "bad");
    ticket.failed(event);
  });

appearance();
names(document.body);
everyTime(document.body);
setInterval(() => everyTime(document.body), 20000);
list.start();
approvals.start();
ticket.start();
palette.start();
const position = Number(document.body.dataset.position);
if (document.body.dataset.member)
  connect({
    position,
    onChanged: (frame) => { list.changed(frame); approvals.changed(frame); ticket.changed(frame); },
    onPresence: (frame) => { list.presence(frame); ticket.presence(frame); },
    onState: sayConnection,
  });
addEventListener("offline", () => sayConnection("lost"));
