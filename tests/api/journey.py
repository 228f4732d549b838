"""Norrholt through the API alone: every operation once, for real, with the shop, the agent and the mailbox behind it."""

from collections.abc import Callable, Iterator
from typing import Any

from django.core import mail

from agents.actions.models import Approval
from supportdesk.core.keys import make_key
from supportdesk.core.models import ServiceIdentity
from supportdesk.core.permissions import PERMISSIONS
from supportdesk.core.tenancy import acting_for
from tests.agents.desk import Desk, code_in, work
from tests.api.worlds import Caller

WISH = "Please refund 150.00 EUR of order N-20418, the pole set broke"
IDA = {"email": "ida@mail.example", "name": "Ida"}


class Journey:
    """Two programs at Norrholt: one that relays customers, one that acts as Mira; and what each operation answered."""

    def __init__(self, desk: Desk, *, send: Callable[..., Any] | None = None) -> None:
        self.desk = desk
        self.answered: dict[str, int] = {}
        self.shop_key, self.mira_key = self._key("Shop backend"), self._key("Mira's assistant", as_mira=True)
        self.send = send or self._send

    def _key(self, name: str, *, as_mira: bool = False) -> str:
        member = self.desk.teammate() if as_mira else None
        with acting_for(self.desk.tenant):
            service = ServiceIdentity.objects.create(name=name, scopes=list(PERMISSIONS), membership=member)
            return make_key(service=service, name="test")[1]

    def _send(self, key: str, method: str, path: str, body: Any) -> Any:
        return Caller(key).ask(method, path, body)

    def ask(self, operation: str, method: str, path: str, body: Any = None, *, as_mira: bool = False) -> Any:
        """One call of one operation, which must succeed."""
        answer = self.send(self.mira_key if as_mira else self.shop_key, method, path, body)
        assert 200 <= answer.status_code < 300, (operation, answer.status_code, answer.content)
        self.answered[operation] = answer.status_code
        return answer.json()

    def messages(self, number: int) -> list[dict[str, Any]]:
        """What stands on the ticket."""
        found: list[dict[str, Any]] = self.ask("list_messages", "GET", f"tickets/{number}/messages")["items"]
        return found

    def waiting(self) -> tuple[int, dict[str, Any]]:
        """A ticket whose customer asked for more than the agent may give, proved who they are and said yes: number and approval."""
        number = self.ask("open_ticket", "POST", "tickets", {"customer": IDA, "body": WISH})["number"]
        work()
        assert self.messages(number)[-1]["code"] == {"email_hint": "i•••@mail.example"}
        self.prove(number)
        work()
        card = self.messages(number)[-1]["confirmation"]
        assert card["answer"] == "open", self.messages(number)
        sent = {"hash": card["hash"], "yes": True}
        self.ask("answer_confirmation", "POST", f"tickets/{number}/confirmations/{card['call']}", sent)
        work()
        (approval,) = self.ask("list_approvals", "GET", f"approvals?ticket={number}")["items"]
        return number, approval

    def prove(self, number: int) -> None:
        """The customer reads their mail."""
        self.ask("send_code", "POST", f"tickets/{number}/codes", {"email": IDA["email"]})
        work()
        self.ask("enter_code", "POST", f"tickets/{number}/proofs", {"digits": code_in(mail.outbox[-1].body)})

    def decide(self) -> Iterator[tuple[int, dict[str, Any], str]]:
        """Three wishes, decided three ways: number, approval, how."""
        for how in ("reject", "edit", "approve"):
            number, approval = self.waiting()
            shown = self.ask("get_approval", "GET", f"approvals/{approval['id']}")
            assert shown["evidence"]["before"]["number"] == "N-20418"
            body = {
                "reject": {"reason": "Repair first", "say": "We send a new pole set today."},
                "edit": {"hash": shown["hash"], "arguments": {"amount": 9000}},
                "approve": {"hash": shown["hash"]},
            }[how]
            self.ask(how, "POST", f"approvals/{approval['id']}/{how}", body, as_mira=True)
            work()
            yield number, approval, how

    def work_a_ticket(self) -> None:
        """What teammates do, and what there is to read."""
        number = self.ask("open_ticket", "POST", "tickets", {"customer": {}, "body": "How long do I have to return boots?"})["number"]
        work()
        path = f"tickets/{number}"
        (run,) = self.ask("list_runs", "GET", f"{path}/runs")["items"]
        assert self.ask("get_run", "GET", f"runs/{run['id']}")["steps"]
        self.ask("relay_message", "POST", f"{path}/messages", {"body": "Thanks. I want to talk to a person."})
        self.ask("take_over_ticket", "POST", f"{path}/take_over", {}, as_mira=True)
        self.ask("reply", "POST", f"{path}/replies", {"body": "I am here."}, as_mira=True)
        self.ask("add_note", "POST", f"{path}/notes", {"body": "Friendly."}, as_mira=True)
        self.ask("change_ticket", "PATCH", path, {"priority": 3})
        self.ask("assign_ticket", "POST", f"{path}/assign", {"assignee": None}, as_mira=True)
        self.ask("hand_back_ticket", "POST", f"{path}/hand_back", {}, as_mira=True)
        self.ask("resolve_ticket", "POST", f"{path}/resolve", {}, as_mira=True)
        self.ask("reopen_ticket", "POST", f"{path}/reopen", {}, as_mira=True)
        self.ask("get_ticket", "GET", path)
        self.ask("list_tickets", "GET", "tickets?order=number")
        made = self.ask("create_customer", "POST", "customers", {"name": "Jo"})
        self.ask("get_customer", "GET", f"customers/{made['id']}")
        self.ask("change_customer", "PATCH", f"customers/{made['id']}", {"name": "Joanna"})
        self.ask("list_customers", "GET", "customers?q=joanna")

    @property
    def open_approvals(self) -> int:
        """How many still wait."""
        return int(Approval.objects.open().count())
