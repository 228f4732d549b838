// Small things the console's modules share.

export function typing(element) {
  return element.isContentEditable || element.matches("input:not([type=radio], [type=checkbox]), textarea, select");
}

export function toast(text, tone = "") {
  const box = document.createElement("div");
  box.className = "toast";
  if (tone === "bad") box.dataset.bad = "";
  const said = document.createElement("span"), close = document.createElement("button");
  // The number of an order stays on one line.
  said.textContent = text.replace(/\b([A-Z]{1,4})-(?=\d{2})/g, "$1\u2011");
  close.type = "button";
  close.className = "end";
  close.textContent = "Close";
  close.addEventListener("click", () => box.remove());
  box.append(said, close);
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), tone === "bad" ? 12000 : 3500);
}

export function ago(moment) {
  const minutes = Math.floor((Date.now() - moment) / 60000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h`;
  return minutes < 14 * 1440 ? `${Math.floor(minutes / 1440)} d` : new Date(moment).toLocaleDateString([], { day: "numeric", month: "short" });
}

function waited(moment) {
  const minutes = Math.max(0, Math.floor((Date.now() - moment) / 60000));
  return minutes < 2880 ? `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}` : `${Math.floor(minutes / 1440)} d`;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Times are written by the server in UTC; here they become the reader's own.
export function everyTime(root) {
  for (const element of root.querySelectorAll("[data-clock]"))
    put(element, new Date(element.dataset.clock || element.dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false }));
  for (const element of root.querySelectorAll("[data-ago]")) put(element, ago(Date.parse(element.dateTime)));
  for (const element of root.querySelectorAll(".badge [data-until]")) left(element);
  for (const element of root.querySelectorAll("[data-since]")) put(element, waited(Date.parse(element.dataset.since)));
}

// How long until a moment: it warns when little is left, and reserves its place.
function left(element) {
  const minutes = Math.max(0, Math.floor((Date.parse(element.dataset.until) - Date.now()) / 60000));
  put(element, `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`);
  if (minutes < 20) element.closest(".badge").dataset.tone = "warn";
}

export function clock() {
  return new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
}
