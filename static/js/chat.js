/** The customer's chat page: joins the line, the thread, the cards and the composer. */

import { Line, Store } from "./chat-line.js";
import { Thread, copy, words } from "./chat-thread.js";

const SHOW_RECONNECTING_MS = 1500;
const REMARK_MS = 8000;
const TYPING_MS = 3000;
const RETRY_MS = 2000;

const page = document.body.dataset;
const store = new Store(page.place);
const line = new Line({ urls: page, store, language: document.documentElement.lang });
const thread = new Thread();
const form = document.getElementById("write");
const text = document.getElementById("text");
const person = document.getElementById("person");
const suggest = document.getElementById("suggest");
const remark = document.getElementById("remark");
const leave = document.getElementById("leave");
const leaving = document.getElementById("leaving");

/* What the server tells */

let isFetching = false;
let isStale = false;

/** Fetch what is new; hints that come meanwhile lead to one more look. */
async function look() {
  isStale = true;
  if (isFetching) return;
  isFetching = true;
  while (isStale) {
    isStale = false;
    const html = await line.thread(thread.lastSeq);
    if (html !== null) thread.merge(html);
    else if (line.hasSession) setTimeout(look, RETRY_MS);
  }
  isFetching = false;
  person.removeAttribute("aria-disabled");
  dress();
}

line.addEventListener("changed", look);
line.addEventListener("progress", ({ detail }) => {
  if (detail.stage === "done") look();
  else thread.progress(detail.stage, detail.detail);
});
line.addEventListener("outbox", ({ detail }) => {
  thread.mark(detail.id, detail.state, detail);
  dress();
});
line.addEventListener("refused", ({ detail }) => refused(detail));
line.addEventListener("over", () => {
  thread.clear();
  showLine("over");
  showOutbox();
  if (store.read().outbox.length) line.open();
});

line.addEventListener("renewed", ({ detail: { why } }) => {
  thread.clear();
  showOutbox();
  text.value = "";
  grow();
  showLine("");
  say(words(why === "left" ? "t-left" : "t-renewed"));
  dress();
});

let reconnecting = 0;
line.addEventListener("state", ({ detail: { state } }) => {
  clearTimeout(reconnecting);
  if (state === "connecting") reconnecting = setTimeout(() => showLine("connecting"), SHOW_RECONNECTING_MS);
  else showLine(state);
});

function showLine(name) {
  for (const banner of document.querySelectorAll("[data-line]")) banner.hidden = banner.dataset.line !== name;
}

function refused({ for: name, client_id: id, message }) {
  if (id) thread.mark(id, "refused", { reason: message });
  else if (name === "ask_code" || name === "code") cardError("code", message);
  else if (name === "confirm") cardError("confirm", message);
  else if (name !== "typing") say(message);
  person.removeAttribute("aria-disabled");
  // A card that was refused because it moved on shows so.
  if (name === "confirm") look();
}

let quiet = 0;
function say(message) {
  remark.textContent = message;
  clearTimeout(quiet);
  quiet = setTimeout(() => remark.replaceChildren(), REMARK_MS);
}

/** What hangs on the state as a whole: suggestions, the placeholder, and the verdict under the newest answer. */
function dress() {
  suggest.hidden = !thread.isEmpty;
  leave.hidden = !line.hasSession;
  text.placeholder = text.dataset[thread.status === "resolved" ? "resolved" : "open"];
  const seq = thread.newestAnswer;
  const under = thread.article(seq);
  const isAnswered = document.querySelector(".mine:not([data-seq])") !== null;
  for (const old of document.querySelectorAll(".verdict")) if (!under?.contains(old) || isAnswered) old.remove();
  if (!under || isAnswered || under.querySelector(".verdict")) return;
  under.lastElementChild.append(copy(store.read().judged >= seq ? "t-missed" : "t-verdict"));
}

/** What waits to be sent, below everything that was. */
function showOutbox() {
  for (const entry of store.read().outbox) {
    thread.addMine(entry);
    thread.mark(entry.id, "waiting");
  }
  dress();
}

/* What the customer does */

function send(body) {
  if (body.length > Number(text.dataset.max)) {
    say(words("t-long"));
    return false;
  }
  remark.replaceChildren();
  const entry = line.send(body);
  thread.addMine(entry);
  thread.mark(entry.id, line.state === "open" ? "sending" : "waiting");
  thread.toEnd();
  dress();
  return true;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = text.value.trim();
  if (body && send(body)) {
    text.value = "";
    grow();
  }
  text.focus();
});

text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

let typedAt = 0;
text.addEventListener("input", () => {
  remark.replaceChildren();
  grow();
  if (text.value.trim() && Date.now() - typedAt > TYPING_MS) {
    typedAt = Date.now();
    line.say({ type: "typing" });
  }
});

function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight}px`;
}

suggest.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  send(button.textContent);
  text.focus();
});

person.addEventListener("click", () => {
  if (person.ariaDisabled === "true") return;
  if (!navigator.onLine) say(words("t-offline"));
  else person.setAttribute("aria-disabled", "true");
  line.sayLater({ type: "human" });
  setTimeout(() => person.removeAttribute("aria-disabled"), REMARK_MS);
});

leave.addEventListener("click", () => leaving.showModal());
leaving.addEventListener("close", () => {
  if (leaving.returnValue === "leave") line.leave();
  leaving.returnValue = "";
  text.focus();
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button) return;
  const { dataset } = button;
  if ("again" in dataset) line.resend(button.closest(".mine").dataset.client);
  else if ("edit" in dataset) edit(button.closest(".mine"));
  else if (dataset.verdict) judge(dataset.verdict, button.closest("article"));
  else if (dataset.answer) answer(button.closest("[data-card]"), dataset.answer === "yes");
  else if ("resend" in dataset) askForCode(button.closest("[data-card]"), "");
  else if ("other" in dataset) showStep(button.closest("[data-card]"), "email");
});

/** Take a refused message back into the composer. */
function edit(article) {
  text.value = article.querySelector(".body").textContent;
  line.forget(article.dataset.client);
  article.remove();
  grow();
  text.focus();
  dress();
}

function judge(verdict, article) {
  if (!line.say({ type: verdict })) {
    say(words("t-lost"));
    return;
  }
  const old = article.querySelector(".verdict");
  for (const button of old.querySelectorAll("button")) button.disabled = true;
  if (verdict === "not_helped") {
    store.update((kept) => {
      kept.judged = Number(article.dataset.seq);
    });
    old.replaceWith(copy("t-missed"));
  }
  text.focus();
}

/* Cards */

function answer(card, yes) {
  const { call, hash } = card.dataset;
  if (!line.say({ type: "confirm", call, hash, yes })) {
    cardError("confirm", words("t-lost"));
    return;
  }
  busy(card, true);
  card.querySelector("h2").focus();
}

document.addEventListener("submit", (event) => {
  const card = event.target.closest('[data-card="code"]');
  if (!card) return;
  event.preventDefault();
  const { email, digits } = event.target.elements;
  if (email) askForCode(card, email.value.trim());
  else if (line.say({ type: "code", digits: digits.value })) busy(card, true);
  else cardError("code", words("t-lost"));
});

function askForCode(card, email) {
  if (line.say({ type: "ask_code", email })) busy(card, true);
  else cardError("code", words("t-lost"));
}

function busy(card, isBusy) {
  // A button that is switched off loses the focus: the field holds it, so that the card's next step can take it over.
  if (isBusy && card.contains(document.activeElement)) card.querySelector("form:not([hidden]) input")?.focus();
  card.toggleAttribute("aria-busy", isBusy);
  for (const button of card.querySelectorAll("button:not([data-resend])")) button.disabled = isBusy;
  clearTimeout(card.busyTimer);
  // An answer that never comes must not lock the card.
  if (isBusy) card.busyTimer = setTimeout(() => busy(card, false), 12_000);
}

/** Say under the field of the newest open card what was wrong with it. */
function cardError(kind, message) {
  const card = [...document.querySelectorAll(`[data-card="${kind}"]`)].findLast((each) => each.querySelector("button"));
  if (!card) {
    say(message);
    return;
  }
  busy(card, false);
  const step = card.querySelector("form:not([hidden])") ?? card;
  const error = step.querySelector(".error");
  error.textContent = message;
  error.hidden = false;
  const input = step.querySelector("input");
  input?.setAttribute("aria-invalid", "true");
  input?.focus();
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-card] input")) return;
  target.removeAttribute("aria-invalid");
  target.closest("form").querySelector(".error").hidden = true;
});

function showStep(card, name) {
  for (const step of card.querySelectorAll("[data-step]")) step.hidden = step.dataset.step !== name;
  card.querySelector("form:not([hidden]) input").focus();
}

/** Count down to the next code, and say when the present one has expired. */
function tick() {
  const card = [...document.querySelectorAll('[data-card="code"]')].at(-1);
  const again = card?.querySelector("[data-again]");
  if (!again) return;
  const seconds = Math.ceil((Date.parse(again.dataset.again) - Date.now()) / 1000);
  const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  again.textContent = seconds > 0 ? again.dataset.words.replace("{time}", left) : "";
  card.querySelector("[data-resend]").disabled = seconds > 0 || card.hasAttribute("aria-busy");
  const until = card.querySelector("[data-until]");
  if (Date.parse(until.dataset.until) < Date.now()) until.textContent = until.dataset.over;
}
setInterval(tick, 1000);

/* Begin: show what waits to be sent, and come back to a conversation there was. A mere visit opens nothing; who comes signed in has a session. */

if ("handoff" in page) {
  const failed = await line.signIn();
  if (failed) say(failed);
}
showOutbox();
if (line.hasSession || store.read().outbox.length) {
  if (line.hasSession) look();
  line.open();
} else if (!navigator.onLine) {
  showLine("offline");
}
