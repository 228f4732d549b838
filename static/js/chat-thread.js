/** The thread on the page: puts fetched pieces in their place, localises times, and keeps the newest message in sight. */

const NEAR_END = 96;
const page = document.documentElement.lang || "en";
// The reader's own variant of the page's language: en-GB writes 17:38 where en-US writes 5:38 PM.
const language = navigator.languages.find((each) => each === page || each.startsWith(`${page}-`)) ?? page;
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

/** A fresh copy of what a template holds. */
export function copy(id) {
  return document.getElementById(id).content.cloneNode(true);
}

/** The words a template holds. */
export function words(id) {
  return document.getElementById(id).content.textContent.trim();
}

export class Thread {
  lastSeq = 0;
  handler = "ai";
  status = "open";
  newestAnswer = 0;
  #log = document.getElementById("log");
  #live = document.getElementById("live");
  #now = document.getElementById("now");
  #newer = document.getElementById("newer");
  #said = document.getElementById("said");
  #isAtEnd = true;
  #title = document.title;
  #answers = ["who", "soon"].map((id) => [document.getElementById(id), document.getElementById(id).textContent]);
  #unread = 0;

  constructor() {
    addEventListener("scroll", () => this.#look(), { passive: true });
    new ResizeObserver(() => this.#isAtEnd && this.toEnd()).observe(document.getElementById("talk"));
    addEventListener("resize", () => this.#isAtEnd && this.toEnd());
    this.#newer.addEventListener("click", () => this.toEnd());
    document.addEventListener("visibilitychange", () => this.#look());
  }

  /** Take in a fragment of the server: new messages, cards that changed, and the ticket's state. */
  merge(html) {
    const parsed = document.createElement("template");
    parsed.innerHTML = html;
    const state = parsed.content.querySelector("[data-thread]");
    const now = parsed.content.querySelector("[data-now]");
    if (!state || !now) return;
    const isFirst = this.lastSeq === 0;
    const fresh = [...state.children].filter((piece) => this.#place(piece) && !piece.matches(".mine"));
    this.lastSeq = Math.max(this.lastSeq, Number(state.dataset.lastSeq));
    this.handler = state.dataset.handler;
    this.status = state.dataset.status;
    this.newestAnswer = Number(state.dataset.newestAnswer);
    for (const [line] of this.#answers) line.textContent = state.dataset[line.id];
    this.#refresh(this.#now, now);
    if (state.dataset.typing !== "true" || this.handler !== "ai") this.stopProgress();
    else if (!this.#live.firstElementChild) this.progress("reading", "");
    if (fresh.some((piece) => piece.matches(".say"))) this.#live.querySelector(".typing")?.remove();
    this.#settle();
    if (isFirst || this.#isAtEnd) this.toEnd();
    if (fresh.length && !isFirst) this.#notice(fresh.length);
  }

  /** Show a message of one's own before the server has it. */
  addMine({ id, text, at }) {
    const existing = this.mine(id);
    if (existing) return existing;
    const article = copy("t-mine").firstElementChild;
    article.dataset.client = id;
    article.dataset.at = at;
    article.querySelector(".body").textContent = text;
    this.#log.append(article);
    this.#settle();
    return article;
  }

  mine(id) {
    return this.#log.querySelector(`.mine[data-client="${CSS.escape(id)}"]`);
  }

  /** Show how far a message of one's own is; `reason` is why the server refused it. */
  mark(id, state, { seq, reason } = {}) {
    const article = this.mine(id);
    if (!article || article.dataset.mark === state) return;
    article.dataset.mark = state;
    article.querySelector(".state").replaceChildren(copy(`t-${state}`));
    if (reason) article.querySelector(".reason").textContent = reason;
    if (seq) {
      article.id = `m-${seq}`;
      article.dataset.seq = seq;
      this.#order(article);
      article.querySelector("time").dateTime = article.dataset.at;
    }
    this.#settle();
  }

  /** Show what the AI is doing: the stages before are done, this one is under way. */
  progress(stage, detail) {
    if (stage === "typing") {
      this.#typing(detail);
      return;
    }
    let list = this.#live.querySelector(".steps-live");
    if (!list) {
      if (this.handler !== "ai") return;
      const article = copy("t-live");
      list = article.querySelector("ol");
      for (const step of list.children) {
        step.hidden = true;
        step.append(copy("t-step"));
      }
      this.#live.replaceChildren(article);
      this.#said.textContent = this.#said.dataset.working;
    }
    const current = list.querySelector(`[data-stage="${CSS.escape(stage)}"]`);
    if (!current) return;
    for (const step of list.children) {
      const isNow = step === current;
      if (!isNow && step.hasAttribute("aria-current")) step.dataset.isDone = "";
      step.toggleAttribute("aria-current", isNow);
      if (isNow) step.setAttribute("aria-current", "step");
      step.hidden = !isNow && !("isDone" in step.dataset);
      step.querySelector(".words").textContent = isNow ? step.dataset.now : step.dataset.then;
    }
    if (detail) current.querySelector(".words").append(" ", Object.assign(document.createElement("bdi"), { textContent: detail }));
    if (this.#isAtEnd) this.toEnd();
  }

  stopProgress() {
    this.#live.querySelector(".working")?.remove();
    this.#said.textContent = "";
  }

  /** Forget everything but the greeting. */
  clear() {
    for (const piece of [...this.#log.children]) if (piece.id !== "greeting") piece.remove();
    this.#live.replaceChildren();
    this.#now.replaceChildren();
    for (const [line, first] of this.#answers) line.textContent = first;
    Object.assign(this, { lastSeq: 0, handler: "ai", status: "open", newestAnswer: 0 });
  }

  get isEmpty() {
    return !this.#log.querySelector("[data-at]");
  }

  article(seq) {
    return document.getElementById(`m-${seq}`);
  }

  toEnd() {
    this.#isAtEnd = true;
    this.#newer.hidden = true;
    scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
  }

  /** Put one piece where it belongs; true when it was not there before. */
  #place(piece) {
    const known =
      document.getElementById(piece.id) ?? (piece.dataset.client && this.mine(piece.dataset.client)) ?? null;
    if (!known) {
      this.#log.append(piece);
      this.#order(piece);
      return true;
    }
    if (piece.matches(".mine")) {
      // One's own words are on the page already: only their state is news.
      known.id = piece.id;
      known.dataset.seq = piece.dataset.seq;
      known.dataset.at = piece.dataset.at;
      known.dataset.mark = "sent";
      known.querySelector(".state").replaceChildren(...piece.querySelector(".state").childNodes);
      this.#order(known);
    } else if (known.dataset.state !== piece.dataset.state) {
      const hadFocus = known.contains(document.activeElement);
      known.replaceWith(piece);
      if (hadFocus) (piece.querySelector("form:not([hidden]) input, h2[tabindex]") ?? document.getElementById("text")).focus();
    }
    return false;
  }

  /** Messages stand by seq; those without one are the newest. */
  #order(piece) {
    const seq = Number(piece.dataset.seq);
    const later = [...this.#log.children].find(
      (each) => each !== piece && each.dataset.at && (!each.dataset.seq || Number(each.dataset.seq) > seq),
    );
    if (later && later.compareDocumentPosition(piece) & Node.DOCUMENT_POSITION_FOLLOWING) later.before(piece);
  }

  #refresh(target, source) {
    const told = (element) => [...element.children].map((each) => `${each.id} ${each.dataset.state ?? ""}`).join();
    if (told(target) !== told(source)) target.replaceChildren(...source.children);
  }

  #settle() {
    this.#days();
    localise(this.#log);
    localise(this.#now);
  }

  /** A line above the first message of each day. */
  #days() {
    const used = new Set();
    let before = "";
    for (const piece of this.#log.querySelectorAll("[data-at]")) {
      const date = new Date(piece.dataset.at);
      const day = date.toDateString();
      if (day === before) continue;
      before = day;
      let line = piece.previousElementSibling;
      if (line?.dataset.day !== day) {
        line = Object.assign(document.createElement("p"), { className: "day" });
        line.dataset.day = day;
        piece.before(line);
      }
      line.textContent = dayName(date);
      used.add(line);
    }
    for (const line of this.#log.querySelectorAll(".day")) if (!used.has(line)) line.remove();
  }

  #typing(name) {
    this.#live.querySelector(".typing")?.remove();
    if (!name) return;
    const line = copy("t-typing").firstElementChild;
    line.querySelector("bdi").textContent = name;
    this.#live.append(line);
    setTimeout(() => line.remove(), 6000);
  }

  #notice(count) {
    if (!this.#isAtEnd) this.#newer.hidden = false;
    if (document.hidden) {
      this.#unread += count;
      document.title = `(${this.#unread}) ${this.#title}`;
    }
  }

  #look() {
    const { scrollHeight, scrollTop, clientHeight } = document.documentElement;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.#isAtEnd) this.#newer.hidden = true;
    if (!document.hidden) {
      this.#unread = 0;
      document.title = this.#title;
    }
  }
}

/** Times in the reader's own zone and language. */
export function localise(root) {
  for (const time of root.querySelectorAll("time[data-show][datetime]")) {
    const date = new Date(time.dateTime);
    const said = time.dataset.show === "moment" ? `${dayName(date)}, ${clock.format(date)}` : clock.format(date);
    if (time.textContent !== said) time.textContent = said;
  }
}

function dayName(date) {
  const midnight = (each) => new Date(each.getFullYear(), each.getMonth(), each.getDate()).getTime();
  const days = Math.round((midnight(date) - midnight(new Date())) / 86_400_000);
  const name = days === 0 || days === -1 ? relative.format(days, "day") : calendar.format(date);
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
}
