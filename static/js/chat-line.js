/**
 * The line to the desk: the session's token, an outbox that survives closing the page, and a socket that comes back.
 * It knows nothing of the page; it tells by events:
 *   state {state: idle | connecting | open | offline}, changed, progress {stage, detail}, over,
 *   outbox {id, state: sending | waiting | failed | sent, seq}, refused {for, client_id, code, message},
 *   renewed {why: other | left | elsewhere}: somebody else sits here now, or nobody; nothing shown so far is theirs.
 */

const BACKOFF = [500, 1000, 2000, 4000, 8000, 15000];
const ACK_MS = 10_000;
const PING_MS = 20_000;
const PONG_MS = 8_000;
const SESSION_OVER = 4401;
const TOO_MANY = 4429;
// The workspace is closed for now: what waits to be sent waits on, and the line comes back by itself.
const CLOSED = 4503;

/** What this browser keeps for one chat channel; in memory where storage is refused. */
export class Store {
  #name;
  #memory = null;

  constructor(place) {
    this.#name = `supportdesk.chat.${place}`;
  }

  get key() {
    return this.#name;
  }

  read() {
    let kept = this.#memory;
    try {
      kept = JSON.parse(localStorage.getItem(this.#name)) ?? kept;
    } catch {
      // Refused or damaged: what is in memory holds.
    }
    return { token: "", position: 0, judged: 0, outbox: [], ...kept };
  }

  /** Read, change and write back at once, so that two tabs do not overwrite each other's outbox. */
  update(change) {
    const kept = this.read();
    change(kept);
    this.#memory = kept;
    try {
      localStorage.setItem(this.#name, JSON.stringify(kept));
    } catch {
      // Full or refused: memory keeps it while the page is open.
    }
    return kept;
  }
}

export class Line extends EventTarget {
  state = "idle";
  #urls;
  #store;
  #language;
  #socket = null;
  #isReady = false;
  #isOpening = false;
  #attempt = 0;
  #retry = 0;
  #ping = 0;
  #pong = 0;
  #acks = new Map();
  #later = new Map();
  /** The token the page shows a conversation of. */
  #used = "";

  constructor({ urls, store, language }) {
    super();
    this.#urls = urls;
    this.#store = store;
    this.#language = language;
    addEventListener("online", () => this.#again(0));
    addEventListener("offline", () => this.#drop("offline"));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.state === "connecting") this.#again(0);
    });
    addEventListener("storage", (event) => {
      if (event.key !== store.key && event.key !== null) return;
      if (this.#used && this.#used !== store.read().token) this.#switch("elsewhere");
      else if (this.hasSession && this.state === "idle") this.open();
    });
  }

  get hasSession() {
    return Boolean(this.#store.read().token);
  }

  /** Open the line, with a new session when there is none yet. */
  async open() {
    if (this.#socket || this.#isOpening) return;
    if (!navigator.onLine) {
      this.#become("offline");
      return;
    }
    this.#isOpening = true;
    this.#become("connecting");
    try {
      const token = this.#store.read().token || (await this.#newSession());
      this.#connect(token);
    } catch {
      this.#again();
    } finally {
      this.#isOpening = false;
    }
  }

  /** Keep a message and send it as soon as the line is open; returns its entry. */
  send(text) {
    const entry = { id: newId(), text, at: new Date().toISOString() };
    this.#store.update((kept) => kept.outbox.push(entry));
    this.#deliver(entry);
    return entry;
  }

  /** Try one kept message once more, under its old id. */
  resend(id) {
    const entry = this.#store.read().outbox.find((each) => each.id === id);
    if (entry) this.#deliver(entry);
  }

  /** Drop a kept message. */
  forget(id) {
    clearTimeout(this.#acks.get(id));
    this.#acks.delete(id);
    this.#store.update((kept) => {
      kept.outbox = kept.outbox.filter((each) => each.id !== id);
    });
  }

  /** Say anything but a message; false when the line is not open. */
  say(frame) {
    if (!this.#isReady) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Say it now, or once when the line is open again. */
  sayLater(frame) {
    if (!this.say(frame)) {
      this.#later.set(frame.type, frame);
      this.open();
    }
  }

  /** The thread's fragment after a seq, or null when it could not be had. */
  async thread(after) {
    const { token } = this.#store.read();
    if (!token) return null;
    this.#used = token;
    try {
      const answer = await fetch(`${this.#urls.thread}?after=${after}`, {
        headers: { Authorization: `Chat ${token}` },
        cache: "no-store",
        credentials: "same-origin",
      });
      if (answer.status === 401) this.#over(token);
      if (!answer.ok) return null;
      const position = Number(answer.headers.get("X-Position")) || 0;
      const html = await answer.text();
      // Somebody else sits here meanwhile: this is not for them.
      if (this.#store.read().token !== token) return null;
      this.#store.update((kept) => {
        kept.position = Math.max(kept.position, position);
      });
      return html;
    } catch {
      return null;
    }
  }

  /** Take the session the host site signed for; the one there was ends unless it is the same person's. Returns words when it failed. */
  async signIn() {
    const { token: before } = this.#store.read();
    try {
      const answer = await fetch(this.#urls.session, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...(before && { Authorization: `Chat ${before}` }) },
        body: JSON.stringify({ handoff: true }),
        credentials: "same-origin",
      });
      const said = await answer.json();
      if (!answer.ok) return said.error?.message ?? "";
      if (said.token !== before) this.#renew(said.token, "other");
    } catch {
      return "";
    }
    return null;
  }

  /** End the session on the server and forget it here. */
  async leave() {
    const { token } = this.#store.read();
    this.#renew("", "left");
    if (!token) return;
    try {
      await fetch(this.#urls.leave, {
        method: "POST",
        headers: { Authorization: `Chat ${token}` },
        credentials: "same-origin",
        keepalive: true,
      });
    } catch {
      // Offline: the token is gone from here all the same.
    }
  }

  async #newSession() {
    const answer = await fetch(this.#urls.session, { method: "POST", credentials: "same-origin" });
    if (!answer.ok) throw new Error("no session");
    const { token } = await answer.json();
    this.#store.update((kept) => Object.assign(kept, { token, position: 0, judged: 0 }));
    return token;
  }

  #connect(token) {
    this.#used = token;
    const url = new URL(this.#urls.socket, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      const { position } = this.#store.read();
      socket.send(JSON.stringify({ type: "hello", token, position, language: this.#language }));
    });
    socket.addEventListener("message", (event) => this.#hear(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => {
      if (this.#socket !== socket) return;
      if (event.code === SESSION_OVER) this.#over(token);
      else this.#drop("connecting", event.code === TOO_MANY || event.code === CLOSED ? 12_000 : undefined);
    });
  }

  #hear(frame) {
    this.#alive();
    if (frame.type === "ready") {
      this.#isReady = true;
      this.#attempt = 0;
      this.#become("open");
      this.#tell("changed");
      for (const entry of this.#store.read().outbox) this.#deliver(entry);
      for (const later of this.#later.values()) this.say(later);
      this.#later.clear();
    } else if (frame.type === "ack") {
      this.forget(frame.client_id);
      this.#tell("outbox", { id: frame.client_id, state: "sent", seq: frame.seq });
    } else if (frame.type === "refused") {
      if (frame.client_id) this.forget(frame.client_id);
      this.#tell("refused", frame);
    } else if (frame.type === "changed") {
      this.#tell("changed");
    } else if (frame.type === "progress") {
      this.#tell("progress", frame);
    } else if (frame.type === "renewed") {
      this.#renew(frame.token, "other");
    }
  }

  #deliver(entry) {
    clearTimeout(this.#acks.get(entry.id));
    if (!this.say({ type: "send", client_id: entry.id, text: entry.text })) {
      this.#tell("outbox", { id: entry.id, state: "waiting" });
      this.open();
      return;
    }
    this.#tell("outbox", { id: entry.id, state: "sending" });
    const late = setTimeout(() => this.#tell("outbox", { id: entry.id, state: "failed" }), ACK_MS);
    this.#acks.set(entry.id, late);
  }

  /** Something was heard: the line lives. Ask again when it falls silent. */
  #alive() {
    clearTimeout(this.#ping);
    clearTimeout(this.#pong);
    this.#ping = setTimeout(() => {
      this.say({ type: "ping" });
      this.#pong = setTimeout(() => this.#drop("connecting"), PONG_MS);
    }, PING_MS);
  }

  #drop(state, wait) {
    const socket = this.#socket;
    this.#socket = null;
    this.#isReady = false;
    clearTimeout(this.#ping);
    clearTimeout(this.#pong);
    for (const [id, late] of this.#acks) {
      clearTimeout(late);
      this.#tell("outbox", { id, state: "waiting" });
    }
    this.#acks.clear();
    socket?.close();
    if (!this.hasSession && !this.#store.read().outbox.length && state !== "offline") {
      this.#become("idle");
      return;
    }
    this.#become(navigator.onLine ? state : "offline");
    if (this.state === "connecting") this.#again(wait);
  }

  #again(wait) {
    clearTimeout(this.#retry);
    if (!this.hasSession && !this.#store.read().outbox.length && !this.#later.size) {
      this.#become("idle");
      return;
    }
    const step = BACKOFF[Math.min(this.#attempt++, BACKOFF.length - 1)];
    // Spread out, so that a restarted server is not met by everybody at once.
    this.#retry = setTimeout(() => this.open(), wait ?? step * (0.7 + Math.random() * 0.6));
  }

  #over(token) {
    // Another tab has begun anew already.
    if (this.#store.read().token !== token) {
      this.#switch("elsewhere");
      return;
    }
    this.#used = "";
    this.#store.update((kept) => Object.assign(kept, { token: "", position: 0, judged: 0 }));
    this.#drop("idle");
    this.#tell("over");
  }

  /** Somebody else from here on, or nobody: what was shown and what waits to be sent is the one's before. */
  #renew(token, why) {
    this.#store.update((kept) => Object.assign(kept, { token, position: 0, judged: 0, outbox: [] }));
    this.#switch(why);
  }

  #switch(why) {
    this.#used = "";
    this.#later.clear();
    for (const late of this.#acks.values()) clearTimeout(late);
    this.#acks.clear();
    this.#drop("idle");
    this.#tell("renewed", { why });
    if (this.hasSession) this.open();
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.#tell("state", { state });
  }

  #tell(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** 128 random bits; randomUUID is missing on plain http. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
