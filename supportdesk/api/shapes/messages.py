"""Messages: words, and the typed cards among them that a program may show to its customer."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from agents.actions.models import Confirmation, State
from supportdesk.api.fields import Address, Input, Paged, Text, YesNo, answer_page, body_text
from tickets.models import Author, Kind, Message


class CitationOut(serializers.Serializer[Any]):
    """A source the answer names as [n]."""

    n = serializers.IntegerField()
    title = serializers.CharField(allow_blank=True)
    url = serializers.CharField(allow_blank=True)
    quote = serializers.CharField(allow_blank=True)


class FactOut(serializers.Serializer[Any]):
    """One line of a card."""

    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    value = serializers.CharField(allow_blank=True)


class CodeCard(serializers.Serializer[Any]):
    """The agent asks who writes: send an address to `…/codes`, then the mailed digits to `…/proofs`."""

    email_hint = serializers.CharField(allow_blank=True, help_text="The address given before, masked.")


class ConfirmationCard(serializers.Serializer[Any]):
    """The agent asks for the customer's yes: show this, and send the answer with the same hash."""

    call = serializers.UUIDField()
    hash = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    facts = FactOut(many=True)
    yes = serializers.CharField(allow_blank=True, help_text="The words for yes.")
    no = serializers.CharField(allow_blank=True)
    answer = serializers.ChoiceField(choices=["yes", "no", "open", "over"], help_text="`open` while an answer counts.")


class ReceiptCard(serializers.Serializer[Any]):
    """What was done."""

    title = serializers.CharField(allow_blank=True)
    facts = FactOut(many=True)


class NewsCard(serializers.Serializer[Any]):
    """Something happened to the ticket that the customer may know."""

    code = serializers.CharField(allow_blank=True)
    details = serializers.DictField(child=serializers.CharField(allow_blank=True))


class MessageOut(serializers.Serializer[Any]):
    """One utterance; it never changes. What kind it is says which card is filled."""

    seq = serializers.IntegerField(help_text="1, 2, 3 … on this ticket.")
    author = serializers.ChoiceField(choices=Author.choices)
    author_name = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField(choices=Kind.choices)
    is_private = serializers.BooleanField(help_text="For teammates only; a key that acts as none never gets such a message.")
    body = serializers.CharField(allow_blank=True, help_text="Plain text or light Markdown.")
    citations = CitationOut(many=True)
    code = CodeCard(allow_null=True)
    confirmation = ConfirmationCard(allow_null=True)
    receipt = ReceiptCard(allow_null=True)
    news = NewsCard(allow_null=True)
    created_at = serializers.DateTimeField()


MessagePage = answer_page("MessagePage", MessageOut)


class MessageQuery(Paged):
    """Messages in the order they were said."""


class MessageIn(Input):
    """What the customer wrote."""

    body = body_text()
    external_id = Text(required=False, default="", max_length=100, help_text="Your own id of the message; stored once.")
    vouch = YesNo(required=False, default=False, help_text="You signed this customer in yourselves. Needs `customer.vouch`.")


class WordsIn(Input):
    """A teammate's words."""

    body = body_text()


class CodeIn(Input):
    """Where to send the code."""

    email = Address(max_length=200)


class ProofIn(Input):
    """The digits of the mailed code."""

    digits = Text(max_length=20)


class ProofOut(serializers.Serializer[Any]):
    """Who writes was proven, on this ticket and for a while."""

    method = serializers.CharField()
    expires_at = serializers.DateTimeField()


class CodeOut(serializers.Serializer[Any]):
    """A code is on its way; the answer is the same whether or not the address is known."""

    email_hint = serializers.CharField()
    expires_at = serializers.DateTimeField()


class AnswerIn(Input):
    """The customer's answer to exactly the card that was shown."""

    hash = Text(max_length=64)
    yes = YesNo()


class AnsweredCall(serializers.Serializer[Any]):
    """Where a call stands."""

    call = serializers.UUIDField()
    state = serializers.CharField()


def message_out(message: Message, answers: dict[tuple[str, str], str] | None = None) -> dict[str, Any]:
    """A message as answers tell it; `answers` are those of `answers_to`."""
    data = message.data
    return {
        "seq": message.seq,
        "author": message.author,
        "author_name": _author_name(message),
        "kind": message.kind,
        "is_private": message.is_private,
        "body": message.body,
        "citations": [
            {"n": each["n"], "title": each.get("title", ""), "url": each.get("url", ""), "quote": each.get("quote", "")}
            for each in message.citations
        ],
        "code": {"email_hint": data.get("email_hint", "")} if message.kind == Kind.CODE else None,
        "confirmation": _confirmation(data, answers or {}) if message.kind == Kind.CONFIRM else None,
        "receipt": _card(data.get("receipt")) if message.kind == Kind.RECEIPT else None,
        "news": _news(data) if message.kind == Kind.NEWS else None,
        "created_at": message.created_at,
    }


def answers_to(messages: list[Message]) -> dict[tuple[str, str], str]:
    """How the confirmations these messages show stand, by call and hash: yes, no, open or over. One query."""
    calls = [message.data["call"] for message in messages if message.kind == Kind.CONFIRM and message.data.get("call")]
    if not calls:
        return {}
    asked = Confirmation.objects.filter(call__in=calls).select_related("call").order_by("id")
    return {(str(each.call_id), each.shown_hash): each.answer or ("open" if _is_open(each) else "over") for each in asked}


def _is_open(asked: Confirmation) -> bool:
    return bool(asked.call.state == State.NEEDS_CONFIRMATION and asked.expires_at > timezone.now())


def _author_name(message: Message) -> str:
    match message.author:
        case Author.CUSTOMER:
            return message.ticket.customer.name
        case Author.AI:
            return message.ticket.brand.agent_name
        case Author.TEAMMATE if message.member:
            return message.member.name
    return ""


def _card(card: Any) -> dict[str, Any]:
    content = card if isinstance(card, dict) else {}
    pairs = [pair for pair in content.get("facts", []) if isinstance(pair, list) and len(pair) == 2]
    return {"title": str(content.get("title", "")), "facts": [{"label": str(label), "value": str(value)} for label, value in pairs]}


def _confirmation(data: dict[str, Any], answers: dict[tuple[str, str], str]) -> dict[str, Any]:
    card, call, shown_hash = data.get("card") or {}, str(data.get("call", "")), str(data.get("hash", ""))
    words = {"yes": str(card.get("yes", "")), "no": str(card.get("no", ""))}
    return {"call": call, "hash": shown_hash, **_card(card), **words, "answer": answers.get((call, shown_hash), "over")}


def _news(data: dict[str, Any]) -> dict[str, Any]:
    return {"code": str(data.get("code", "")), "details": {name: str(value) for name, value in data.items() if name != "code"}}
