"""With whose authority a call is made: ticket, proven customer, environment. The model has no say in any of it."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.module_loading import import_string

from agents.actions.models import Connector
from agents.actions.shop import Shop
from policies.models import PolicyVersion
from tickets.identity import Level, level_with, proof_of
from tickets.models import Customer, CustomerIdentity, Ticket


class NotConnected(Exception):
    """No active connector of the ticket's environment."""


_policy_source: list[str] = []


def decided_by(path: str) -> None:
    """Name the function (ticket → PolicyVersion or None) that knows which policy is in force; called in `AppConfig.ready` above."""
    _policy_source[:] = [path]


def policy_in_force(ticket: Ticket) -> PolicyVersion | None:
    """The policy that decides on this ticket now; None when nothing is live."""
    found: PolicyVersion | None = import_string(_policy_source[0])(ticket)
    return found


@dataclass
class Authority:
    """Everything a call may rest on, read from rows once per use; shop reads are remembered for the length of it."""

    ticket: Ticket
    policy_version: PolicyVersion
    tools: frozenset[str]
    run_id: int | None = None
    turn: int | None = None
    email: str = ""
    level: Level = Level.NONE
    customer: Customer | None = None
    _shop: Shop | None = None
    _connector: Connector | None = None
    _shop_customer: tuple[str | None] | None = None
    sources: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(
        cls, ticket: Ticket, policy_version: PolicyVersion, tools: list[str], *, run_id: int | None = None, turn: int | None = None
    ) -> "Authority":
        """The authority this ticket gives right now."""
        proof = proof_of(ticket)
        return cls(
            ticket=ticket,
            policy_version=policy_version,
            tools=frozenset(tools),
            run_id=run_id,
            turn=turn,
            email=proof.identity.value if proof and proof.identity.kind == CustomerIdentity.Kind.EMAIL else "",
            level=level_with(ticket, proof),
            customer=proof.identity.customer if proof else None,
        )

    def connector(self, key: str) -> Connector:
        """The connector of this environment.

        Raises:
            NotConnected: when there is none that is active.
        """
        if self._connector is None:
            self._connector = Connector.objects.filter(key=key, environment=self.ticket.environment, is_active=True).first()
            if self._connector is None:
                raise NotConnected(f"No active connector “{key}” for {self.ticket.environment}.")
        return self._connector

    @property
    def shop(self) -> Shop:
        """The connected shop."""
        if self._shop is None:
            self._shop = Shop(self.connector("shop"))
        return self._shop

    @property
    def shop_customer(self) -> str | None:
        """The shop's id of the proven customer; None without proof or when the shop does not know the address."""
        if not self.email:
            return None
        if self._shop_customer is None:
            self._shop_customer = (self.shop.customer_id(self.email),)
        return self._shop_customer[0]

    def cite(self, title: str, text: str, **more: Any) -> int:
        """Number one source of this turn; the same text keeps its number."""
        for source in self.sources:
            if source["title"] == title and source["text"] == text:
                return int(source["n"])
        number = len(self.sources) + 1
        self.sources.append({"n": number, "title": title, "text": text, **more})
        return number
