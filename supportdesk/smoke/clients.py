"""A customer's browser and a teammate's browser, without the browser."""

import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self

import httpx
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

PATIENCE = 45.0
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "use"}


class Failed(AssertionError):
    """A journey did not go as promised; says what was expected."""


@dataclass
class Node:
    """One element: its attributes, the elements in it, and its text."""

    name: str
    attributes: dict[str, str]
    children: list["Node"] = field(default_factory=list)
    own: list[str] = field(default_factory=list)

    def all(self, want: Callable[["Node"], bool]) -> list["Node"]:
        """Every element below that fits, in document order."""
        found = []
        for child in self.children:
            if want(child):
                found.append(child)
            found += child.all(want)
        return found

    @property
    def text(self) -> str:
        """All text in it, spaces folded."""
        return " ".join(" ".join([*self.own, *(child.text for child in self.children)]).split())

    def has(self, name: str) -> bool:
        """Whether it carries the class."""
        return name in self.attributes.get("class", "").split()


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].name == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].own.append(data)


def parsed(html: str) -> Node:
    """The document as a tree."""
    tree = _Tree()
    tree.feed(html)
    return tree.root


def until(look: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Look again and again until there is something.

    Raises:
        Failed: naming what did not come.
    """
    end = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.15)


class Seen:
    """Everything one side was shown: bodies and frames, with where each came from."""

    def __init__(self) -> None:
        self._all: list[tuple[str, str]] = []

    def note(self, where: str, text: str) -> None:
        """Keep one."""
        self._all.append((where, text))

    def watch(self, client: httpx.Client) -> None:
        """Keep every answer of this client; what shows the demo's mails is shared by both workspaces, and left out."""

        def keep(answer: httpx.Response) -> None:
            answer.read()
            if not answer.url.path.startswith("/demo/"):
                self.note(f"{answer.request.method} {answer.url.path}", answer.text)

        client.event_hooks = {"response": [keep]}

    def holding(self, word: str) -> list[str]:
        """Where the word was seen."""
        return [where for where, text in list(self._all) if word in text]

    def __len__(self) -> int:
        return len(self._all)


class Customer:
    """One visitor on the chat page; with a canary, all they write ends with that word."""

    def __init__(
        self,
        url: str,
        tenant: str = "norrholt",
        channel: str = "chat",
        language: str = "en",
        *,
        canary: str = "",
        seen: Seen | None = None,
    ) -> None:
        self.place = f"{url}/chat/{tenant}/{channel}/"
        self.canary, self.record = canary, seen or Seen()
        self.http = httpx.Client(timeout=20, headers={"Origin": url, "Accept-Language": language})
        self.record.watch(self.http)
        opened = self.http.post(f"{self.place}session/")
        if opened.status_code != 201:
            raise Failed(f"a chat session answers {opened.status_code}")
        self.token = str(opened.json()["token"])
        self.socket: ClientConnection = connect(
            f"{url.replace('http', 'ws', 1)}/ws/chat/{tenant}/{channel}/",
            origin=Origin(url),
            proxy=None,
            legacy=True,
            open_timeout=20,
            max_size=2**20,
        )
        self.seen = 0
        self._say(type="hello", token=self.token, position=0, language=language)
        self.expect("ready")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self.http.close()

    def _say(self, **frame: Any) -> None:
        self.socket.send(json.dumps(frame))

    def expect(self, *kinds: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """The next frame of one of these kinds; others pass by."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                said = str(self.socket.recv(timeout=left))
                self.record.note("chat socket", said)
                frame: dict[str, Any] = json.loads(said)
            except TimeoutError:
                break
            if frame["type"] in kinds:
                return frame
        raise Failed(f"no {' or '.join(kinds)} frame within {seconds:.0f} s")

    def send(self, text: str, client_id: str = "") -> int:
        """Write; returns the seq the server acknowledged.

        Raises:
            Failed: when it was refused.
        """
        text = f"{text} ({self.canary})" if self.canary else text
        self._say(type="send", client_id=client_id or secrets.token_hex(8), text=text)
        frame = self.expect("ack", "refused")
        if frame["type"] == "refused":
            raise Failed(f"refused: {frame.get('message')}")
        self.seen = max(self.seen, int(frame["seq"]))
        return int(frame["seq"])

    def act(self, **frame: Any) -> None:
        """Send a frame that is no message, such as a code or an answer to a card.

        Raises:
            Failed: when it is refused at once.
        """
        self._say(**frame)
        try:
            refused = self.expect("refused", seconds=0.4)
        except Failed:
            return
        raise Failed(f"refused: {refused.get('message')}")

    def thread(self) -> Node:
        """What the page shows now."""
        answer = self.http.get(f"{self.place}thread/", headers={"Authorization": f"Chat {self.token}"})
        if answer.status_code != 200:
            raise Failed(f"the thread answers {answer.status_code}")
        return parsed(answer.text)

    def entries(self, after: int = 0) -> list[Node]:
        """The shown messages after a seq."""
        return self.thread().all(lambda node: int(node.attributes.get("data-seq", "0") or 0) > after)

    def wait(self, want: Callable[[Node], bool], what: str, after: int | None = None, seconds: float = PATIENCE) -> Node:
        """The first message after what was seen that fits."""
        since = self.seen if after is None else after
        found: Node = until(lambda: next((node for node in self.entries(since) if want(node)), None), what, seconds)
        self.seen = max(self.seen, int(found.attributes["data-seq"]))
        return found

    def answer(self, what: str = "an answer of the agent") -> Node:
        """The agent's next words."""
        return self.wait(lambda node: node.attributes.get("data-author") == "ai", what)

    @property
    def state(self) -> dict[str, str]:
        """The thread's own attributes: handler and status among them."""
        return next(iter(self.thread().all(lambda node: "data-thread" in node.attributes))).attributes


class Teammate:
    """One signed-in teammate."""

    def __init__(self, url: str, email: str, password: str, *, seen: Seen | None = None) -> None:
        self.url, self.record = url, seen or Seen()
        self.http = httpx.Client(base_url=url, timeout=20, follow_redirects=True)
        self.record.watch(self.http)
        self.http.get("/console/sign-in/")
        signed = self._post("/console/sign-in/", username=email, password=password)
        if "/sign-in/" in str(signed.url):
            raise Failed(f"{email} cannot sign in")
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        self.socket = connect(
            f"{url.replace('http', 'ws', 1)}/ws/console/",
            origin=Origin(url),
            proxy=None,
            legacy=True,
            additional_headers={"Cookie": cookies},
            open_timeout=20,
        )
        self.socket.send(json.dumps({"type": "resume", "position": 0}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self.http.close()

    def _post(self, path: str, **fields: str) -> httpx.Response:
        token = self.http.cookies.get("csrftoken") or self.http.cookies.get("__Host-csrf") or ""
        return self.http.post(path, data={**fields, "csrfmiddlewaretoken": token}, headers={"Referer": self.url, "X-CSRFToken": token})

    def hears(self, seconds: float = PATIENCE) -> bool:
        """Whether the live queue is told of a change."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                said = str(self.socket.recv(timeout=left))
                self.record.note("console socket", said)
                if json.loads(said).get("type") == "changed":
                    return True
            except TimeoutError:
                return False
        return False

    def finds(self, subject: str) -> int | None:
        """The number of the ticket with this subject on the list of all tickets."""
        page = parsed(self.http.get("/console/", params={"tab": "all"}).text)
        for row in page.all(lambda node: node.has("ticket")):
            link = next(iter(row.all(lambda node: node.name == "a" and "/tickets/" in node.attributes.get("href", ""))), None)
            if subject in row.text and link is not None:
                return int(re.findall(r"/tickets/(\d+)/", link.attributes["href"])[0])
        return None

    def page(self, number: int) -> Node:
        """The ticket's page.

        Raises:
            Failed: when it cannot be seen.
        """
        answer = self.http.get(f"/console/tickets/{number}/")
        if answer.status_code != 200:
            raise Failed(f"ticket {number} answers {answer.status_code}")
        return parsed(answer.text)

    def decide(self, approval: int, verb: str, **fields: str) -> None:
        """Press one of an approval's buttons.

        Raises:
            Failed: when the server refuses.
        """
        answer = self._post(f"/console/approvals/{approval}/{verb}/", **fields)
        if answer.status_code != 200:
            raise Failed(f"{verb} answers {answer.status_code}")

    def decide_again(self, approval: int, shown: str) -> bool:
        """Whether another decision is taken; asks as the page does, so that a refusal keeps its status."""
        token = self.http.cookies.get("csrftoken") or self.http.cookies.get("__Host-csrf") or ""
        headers = {"Referer": self.url, "X-CSRFToken": token, "HX-Request": "true"}
        fields = {"shown": shown, "csrfmiddlewaretoken": token}
        return self.http.post(f"/console/approvals/{approval}/approve/", data=fields, headers=headers).status_code == 200

    def act(self, number: int, verb: str, **fields: str) -> None:
        """Press one of the ticket's buttons.

        Raises:
            Failed: when the server refuses.
        """
        answer = self._post(f"/console/tickets/{number}/{verb}/", **fields)
        if answer.status_code != 200:
            raise Failed(f"{verb} answers {answer.status_code}")


class Shop:
    """The demo shop's own surface, to compare ledgers."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=10, headers={"Authorization": f"Bearer {token}"})

    def order(self, number: str) -> dict[str, Any]:
        """One order as the shop has it."""
        found: dict[str, Any] = self.http.get(f"/v1/orders/{number}").json()
        return found

    def entries(self) -> list[dict[str, Any]]:
        """Every effect so far."""
        return list(self.http.get("/v1/ledger", params={"after": 0}).json()["entries"])
