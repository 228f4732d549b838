"""What a customer does on the socket reaches the floors below exactly once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.core import mail
from django.utils import timezone

from agents.actions.models import Confirmation, State, ToolCall
from supportdesk.core import presence
from supportdesk.core.events import Actor
from supportdesk.core.models import Event, Presence
from supportdesk.core.tenancy import acting_for
from tests.chat.cards import ai_says, shown, wanted_refund
from tests.chat.sockets import browser
from tests.factories import World, make_session, make_world, say
from tickets import identity, verbs
from tickets.handoff import Packet
from tickets.models import Author, Handler, Kind, Message, OneTimeCode, Status, Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tail_ends")]


class Talk:
    """Acme's chat with one visitor; every property reads the database anew."""

    def __init__(self, words: str = "") -> None:
        self.world: World = make_world("acme")
        with acting_for(self.world.tenant):
            self.session, self.token = make_session(self.world)
            if words:
                say(self.session, words)

    def run(self, do: Any) -> Any:
        """Call it with the visitor's ticket, inside the tenant."""
        with acting_for(self.world.tenant):
            return do(Ticket.objects.filter(sessions=self.session).first())

    async def after(self, do: Any) -> Any:
        """The same from a test."""
        return await database_sync_to_async(self.run)(do)


def bodies(ticket: Ticket | None) -> list[str]:
    return list(Message.objects.order_by("ticket", "seq").values_list("body", flat=True))


def nothing(ticket: Ticket | None) -> Ticket | None:
    return ticket


async def make(words: str = "") -> Talk:
    talk: Talk = await database_sync_to_async(Talk)(words)
    return talk


async def test_a_message_is_stored_before_it_is_acknowledged() -> None:
    talk = await make()
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("send", client_id="one", text="Where is my order?")
        assert await line.hear("ack") == {"type": "ack", "client_id": "one", "seq": 1}
        assert await talk.after(bodies) == ["Where is my order?"]
        await line.hear("changed")


async def test_a_message_sent_again_is_stored_once() -> None:
    talk = await make()
    for _ in range(2):
        async with browser() as line:
            await line.hello(talk.token)
            for _ in range(2):
                await line.say("send", client_id="one", text="Only once")
                assert (await line.hear("ack"))["seq"] == 1
    assert await talk.after(bodies) == ["Only once"]


async def test_the_same_client_id_of_two_visitors_is_two_messages() -> None:
    talk = await make()

    def another(_ticket: Ticket | None) -> str:
        return make_session(talk.world)[1]

    for token, words in ((talk.token, "Mine"), (await talk.after(another), "Yours")):
        async with browser() as line:
            await line.hello(token)
            await line.say("send", client_id="one", text=words)
            await line.hear("ack")
    assert await talk.after(bodies) == ["Mine", "Yours"]


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "empty"), ("  \n ", "empty"), ("x" * 8001, "too long: at most 8,000"), ("a\x00b", "no text"), ("\ud800", "no text")],
)
async def test_a_message_that_cannot_be_stored_is_refused_clearly(text: str, why: str) -> None:
    talk = await make()
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("send", client_id="one", text=text)
        refused = await line.hear("refused")
        assert (refused["client_id"], refused["for"], refused["code"]) == ("one", "send", "unacceptable")
        assert why in refused["message"]
    assert await talk.after(bodies) == []


async def test_a_message_of_exactly_the_limit_is_stored() -> None:
    talk = await make()
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("send", client_id="one", text="x" * 8000)
        await line.hear("ack")


async def test_asking_for_a_person_hands_over() -> None:
    talk = await make("Where is my order?")
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("human")
        await line.settled()
        ticket = await talk.after(nothing)
        assert ticket.handler == Handler.HUMAN
        await line.say("human")
        assert "do not need to ask again" in (await line.hear("refused"))["message"]


async def test_asking_for_a_person_first_opens_the_ticket_in_the_pages_language() -> None:
    talk = await make()
    async with browser() as line:
        await line.hello(talk.token, language="en")
        await line.say("human")
        await line.settled()
    ticket = await talk.after(nothing)
    assert ticket.handler == Handler.HUMAN
    assert "I would like to talk to a person." in await talk.after(bodies)


async def test_asking_for_a_person_after_the_end_reopens() -> None:
    talk = await make("Where is my order?")
    await talk.after(lambda ticket: verbs.resolve(ticket_id=ticket.pk, by=Actor("customer", ticket.customer_id)))
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("human")
        await line.settled()
    ticket = await talk.after(nothing)
    assert (ticket.status, ticket.handler) == (Status.OPEN, Handler.HUMAN)


async def test_this_helped_resolves() -> None:
    talk = await make("Where is my order?")
    await talk.after(lambda ticket: ai_says(ticket, "On its way."))
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("helped")
        await line.settled()
    ticket = await talk.after(nothing)
    assert (ticket.status, ticket.resolved_by) == (Status.RESOLVED, "customer")


async def test_not_quite_counts_as_a_failed_turn_and_leaves_an_event() -> None:
    talk = await make("Where is my order?")
    answer = await talk.after(lambda ticket: ai_says(ticket, "On its way."))
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("not_helped")
        await line.settled()
    ticket = await talk.after(nothing)
    assert ticket.failed_turns == 1
    event = await talk.after(lambda _ticket: Event.objects.get(code="answer.not_helped"))
    assert event.subject == {"message": str(answer.pk)}


@pytest.mark.parametrize("verdict", ["helped", "not_helped"])
async def test_there_is_nothing_to_judge_before_an_answer(verdict: str) -> None:
    talk = await make("Where is my order?")
    async with browser() as line:
        await line.hello(talk.token)
        await line.say(verdict)
        assert (await line.hear("refused"))["for"] == verdict
    assert (await talk.after(nothing)).status == Status.OPEN


async def test_an_answer_of_a_person_is_not_judged_as_the_agents() -> None:
    talk = await make("Where is my order?")

    def take_over(ticket: Ticket) -> None:
        ai_says(ticket, "On its way.")
        verbs.escalate(ticket_id=ticket.pk, packet=Packet(reason="other"), by=Actor("system"))

    await talk.after(take_over)
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("helped")
        await line.hear("refused")


@pytest.mark.parametrize("name", ["ask_code", "code", "confirm", "helped", "not_helped"])
async def test_acts_on_a_ticket_need_one(name: str) -> None:
    talk = await make()
    fields: dict[str, dict[str, Any]] = {
        "ask_code": {"email": "a@b.example"},
        "code": {"digits": "1"},
        "confirm": {"call": "x", "hash": "y", "yes": True},
    }
    async with browser() as line:
        await line.hello(talk.token)
        await line.say(name, **fields.get(name, {}))
        refused = await line.hear("refused")
        assert (refused["for"], refused["message"]) == (name, "Write a message first.")


async def test_a_code_is_asked_for_and_proves_who_writes() -> None:
    talk = await make("Refund N-20377")

    def read_mail(ticket: Ticket) -> str:
        identity.send_code(OneTimeCode.objects.filter(ticket=ticket).latest("id").pk)
        found = re.search(r"(\d{3} \d{3})", str(mail.outbox[-1].body))
        assert found is not None
        return found.group(1)

    async with browser() as line:
        await line.hello(talk.token)
        await line.say("ask_code", email="not an address")
        assert (await line.hear("refused"))["code"] == "unacceptable"
        await line.say("ask_code", email="Ida@Mail.Example ")
        await line.settled()
        digits = await talk.after(read_mail)
        await line.say("code", digits="4071")
        refused = await line.hear("refused")
        assert (refused["code"], refused["message"]) == ("wrong_code", "That code has 4 digits, it needs 6.")
        await line.say("code", digits=digits)
        await line.settled()
    assert await talk.after(lambda ticket: identity.level_of(ticket)) == identity.Level.PROVEN


async def test_an_empty_address_asks_once_more_for_the_one_given_before() -> None:
    talk = await make("Refund N-20377")

    def ask_long_ago(ticket: Ticket) -> None:
        code = identity.ask_for_code(ticket_id=ticket.pk, email="ida@mail.example")
        OneTimeCode.objects.filter(pk=code.pk).update(created_at=timezone.now() - timedelta(minutes=5))

    await talk.after(ask_long_ago)
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("ask_code", email="")
        await line.settled()
    emails = await talk.after(lambda ticket: list(OneTimeCode.objects.filter(ticket=ticket).values_list("email", flat=True)))
    assert emails == ["ida@mail.example"] * 2


@pytest.mark.parametrize(("yes", "state"), [(True, State.APPROVED), (False, State.CANCELLED)])
async def test_a_confirmation_is_answered_once(yes: bool, state: State) -> None:
    talk = await make("Refund N-20377")

    def ask(ticket: Ticket) -> dict[str, str]:
        data: dict[str, str] = shown(wanted_refund(ticket)).data
        return data

    card = await talk.after(ask)
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("confirm", call=card["call"], hash=card["hash"], yes=yes)
        await line.say("confirm", call=card["call"], hash=card["hash"], yes=not yes)
        assert (await line.hear("refused"))["code"] == "already_answered"
    assert await talk.after(lambda _ticket: ToolCall.objects.get().state) == state


async def test_a_confirmation_needs_the_hash_of_what_was_shown() -> None:
    talk = await make("Refund N-20377")
    card = await talk.after(lambda ticket: shown(wanted_refund(ticket)).data)
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("confirm", call=card["call"], hash="0" * 64, yes=True)
        assert (await line.hear("refused"))["code"] == "void"
    assert await talk.after(lambda _ticket: Confirmation.objects.get().answer) == ""


@pytest.mark.parametrize("which", ["theirs", "nonsense"])
async def test_nobody_confirms_the_call_of_somebody_else(which: str) -> None:
    talk = await make("Refund N-20377")

    def others(_ticket: Ticket) -> dict[str, str]:
        session, _token = make_session(talk.world)
        data: dict[str, str] = shown(wanted_refund(say(session).ticket)).data
        return data

    card = await talk.after(others)
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("confirm", call=card["call"] if which == "theirs" else "' OR 1=1", hash=card["hash"], yes=True)
        refused = await line.hear("refused")
        assert (refused["for"], refused["message"]) == ("confirm", "This question is no longer open.")
    assert await talk.after(lambda _ticket: ToolCall.objects.get().state) == State.NEEDS_CONFIRMATION


async def test_typing_is_passing_news_and_shown_at_most_every_few_seconds() -> None:
    talk = await make("Hi")
    async with browser() as line:
        await line.hello(talk.token)
        for _ in range(5):
            await line.say("typing")
        await line.settled()
    rows = await talk.after(lambda ticket: list(Presence.objects.filter(ticket_id=ticket.pk, kind="typing").values_list("data", flat=True)))
    assert rows == [{"who": "customer"}]


async def test_progress_is_passed_on_while_the_agent_works() -> None:
    talk = await make("Hi")
    async with browser() as line:
        await line.hello(talk.token)
        await line.settled()
        await talk.after(lambda ticket: presence.show(ticket.pk, "progress", stage="looking_up", detail="N-20377"))
        assert await line.hear("progress") == {"type": "progress", "stage": "looking_up", "detail": "N-20377"}


async def test_a_teammate_who_writes_is_told_but_not_the_customers_own_typing() -> None:
    talk = await make("Hi")
    async with browser() as line:
        await line.hello(talk.token)
        await talk.after(lambda ticket: presence.show(ticket.pk, "typing", who="customer"))
        await talk.after(lambda ticket: presence.show(ticket.pk, "progress", stage="secret plan"))
        await talk.after(lambda ticket: presence.show(ticket.pk, "typing", who="teammate", name="Alice"))
        assert await line.hear("progress") == {"type": "progress", "stage": "typing", "detail": "Alice"}


async def test_an_unforeseen_failure_shows_no_internals_and_leaves_the_socket_open(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = await make("Hi")

    def broken(**_: Any) -> None:
        raise RuntimeError("SECRET at /srv/app")

    monkeypatch.setattr(verbs, "resolve", broken)
    await talk.after(lambda ticket: ai_says(ticket, "Yes."))
    async with browser() as line:
        await line.hello(talk.token)
        await line.say("helped")
        assert await line.hear("refused") == {
            "type": "refused",
            "for": "helped",
            "code": "failed",
            "message": "That did not work. Please try again.",
        }
        await line.settled()


async def test_a_second_tab_follows_a_ticket_the_first_one_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    from supportdesk.chat import consumers

    monkeypatch.setattr(consumers, "WATCH_SECONDS", 0.05)
    talk = await make()
    async with browser() as first, browser() as second:
        await first.hello(talk.token)
        await second.hello(talk.token)
        await first.say("send", client_id="one", text="Hi")
        await first.hear("ack")
        await second.hear("changed")


async def test_messages_of_a_burst_keep_their_order() -> None:
    talk = await make()
    async with browser() as line:
        await line.hello(talk.token)
        for number in range(6):
            await line.say("send", client_id=f"c{number}", text=f"Part {number}")
        assert [(await line.hear("ack"))["seq"] for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    assert await talk.after(bodies) == [f"Part {number}" for number in range(6)]
    assert await talk.after(lambda ticket: set(ticket.messages.values_list("author", "kind"))) == {(Author.CUSTOMER, Kind.TEXT)}
