// The page's socket: resumes from the last position it saw, and comes back by itself.

const QUIET = [500, 1000, 2000, 4000, 8000, 15000];

export function connect({ position, onChanged, onPresence, onState }) {
  let at = position, tries = 0, socket = null, timer = 0;

  function open() {
    clearTimeout(timer);
    const mine = socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/console/`);
    mine.onopen = () => mine.send(JSON.stringify({ type: "resume", position: at }));
    mine.onmessage = (event) => {
      const frame = JSON.parse(event.data);
      if (frame.type === "ready") {
        onState("ready");
        tries = 0;
      } else if (frame.type === "changed") {
        at = Math.max(at, frame.position);
        onChanged(frame);
      } else if (frame.type === "presence") onPresence(frame);
    };
    mine.onclose = (event) => {
      if (mine !== socket) return;
      // 4401: the session is over. A reload leads to the sign-in page.
      if (event.code === 4401) return onState("signed-out");
      // 4409: another tab went to another workspace, where this page's address means another ticket.
      if (event.code === 4409) return onState("switched");
      onState("lost");
      timer = setTimeout(open, QUIET[Math.min(tries++, QUIET.length - 1)] * (0.7 + Math.random() * 0.6));
    };
  }

  // A socket that slept through an outage may be dead without knowing it: begin a new one.
  addEventListener("online", () => { const old = socket; open(); old?.close(); });
  open();
}
