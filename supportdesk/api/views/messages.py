"""What is said on a ticket: by the customer through a program, by teammates; and the customer's codes and answers."""

import uuid
from collections.abc import Callable

from rest_framework.request import Request
from rest_framework.response import Response

from agents.actions import confirmations
from supportdesk.api import reach
from supportdesk.api.pagination import Order, page
from supportdesk.api.permissions import demand
from supportdesk.api.problems import bad_field
from supportdesk.api.schema import CALL, NUMBER, M, example, operation
from supportdesk.api.shapes.messages import (
    AnsweredCall,
    AnswerIn,
    CodeIn,
    CodeOut,
    MessageIn,
    MessageOut,
    MessagePage,
    MessageQuery,
    ProofIn,
    ProofOut,
    WordsIn,
    answers_to,
    message_out,
)
from supportdesk.api.views.base import ApiView
from supportdesk.core.events import Actor
from tickets import identity, verbs
from tickets.errors import Refusal
from tickets.models import Channel, Message, Ticket
from tickets.receiving import Relayed, relay_message

BY_SEQ = Order("messages by seq", "seq", is_descending=False)


class OfTicket(ApiView):
    """What belongs to one ticket."""

    subject = "messages"

    def ticket(self, number: int) -> Ticket:
        """The ticket, if the key reaches it."""
        return reach.ticket(self.principal, number)

    def relayed(self, number: int) -> Ticket:
        """The ticket, if its customer writes through programs.

        Raises:
            Refusal: they write through another channel, where nobody else speaks for them.
        """
        ticket = self.ticket(number)
        if ticket.channel.kind != Channel.Kind.API:
            raise Refusal("The customer of this ticket writes through another channel.")
        return ticket

    def told(self, message: Message) -> Response:
        """A stored message."""
        found = reach.messages(self.principal, message.ticket).get(pk=message.pk)
        return Response(message_out(found), status=201)


class Messages(OfTicket):
    """All of them."""

    @operation(
        "list_messages",
        permission="ticket.see",
        summary="List a ticket's messages",
        answers=MessagePage,
        parameters=[NUMBER, MessageQuery],
        problems=(400, 404),
    )
    def get(self, request: Request, number: int) -> Response:
        """In the order they were said. The agent's cards come as typed fields: a code to enter, a confirmation to answer, a receipt."""
        asked = self.asked(MessageQuery)
        rows = reach.messages(self.principal, self.ticket(number))
        found = page(rows, BY_SEQ, cursor=asked["cursor"], size=asked["page_size"], shown=lambda row: row)
        answers = answers_to(found["items"])
        return Response({**found, "items": [message_out(row, answers) for row in found["items"]]})

    @operation(
        "relay_message",
        permission="message.receive",
        summary="Relay what the customer wrote",
        takes=MessageIn,
        answers=MessageOut,
        status=201,
        parameters=[NUMBER],
        problems=(404,),
    )
    def post(self, request: Request, number: int) -> Response:
        """On a ticket that was opened through the API; other customers write for themselves. The agent answers.

        The same `external_id` again is the same message.
        """
        principal, sent = self.principal, self.taken(MessageIn)
        if sent["vouch"]:
            demand(principal, "customer.vouch")
        ticket = self.relayed(number)
        email = self._vouched(ticket) if sent["vouch"] else ""
        said = Relayed(sent["body"], Actor("service", principal.service.pk), principal.service.name, sent["external_id"], email)
        return self.told(relay_message(ticket_id=ticket.pk, said=said))

    def _vouched(self, ticket: Ticket) -> str:
        proof = identity.proof_of(ticket)
        email = proof.identity.value if proof else identity.claim_of(ticket)
        if not email:
            raise bad_field("vouch", "There is no address on this ticket to vouch for.")
        return email


def _words(name: str, permission: str, summary: str) -> Callable[[M], M]:
    return operation(
        name,
        permission=permission,
        summary=summary,
        takes=WordsIn,
        answers=MessageOut,
        status=201,
        parameters=[NUMBER],
        problems=(404,),
        as_teammate=True,
    )


class Replies(OfTicket):
    """Teammates' words to the customer."""

    @_words("reply", "ticket.reply", "Reply to the customer")
    def post(self, request: Request, number: int) -> Response:
        """As the teammate the key acts as; take the ticket over first."""
        sent = self.taken(WordsIn)
        return self.told(verbs.reply(ticket_id=self.ticket(number).pk, by=self.teammate, body=sent["body"]))


class Notes(OfTicket):
    """Words only teammates see."""

    @_words("add_note", "ticket.note", "Add a private note")
    def post(self, request: Request, number: int) -> Response:
        """The customer never sees it, and the agent does not speak of it."""
        sent = self.taken(WordsIn)
        return self.told(verbs.note(ticket_id=self.ticket(number).pk, by=self.teammate, body=sent["body"]))


class Codes(OfTicket):
    """One-time codes."""

    subject = "identity"

    @operation(
        "send_code",
        permission="message.receive",
        summary="Mail the customer a code",
        takes=CodeIn,
        answers=CodeOut,
        status=202,
        parameters=[NUMBER],
        problems=(404,),
    )
    def post(self, request: Request, number: int) -> Response:
        """To the address the customer claims. The answer is the same whether or not the address is known here."""
        sent, ticket = self.taken(CodeIn), self.relayed(number)
        code = identity.ask_for_code(ticket_id=ticket.pk, email=sent["email"])
        return Response({"email_hint": identity.masked(code.email), "expires_at": code.expires_at}, status=202)


class Proofs(OfTicket):
    """What a code proves."""

    subject = "identity"

    @operation(
        "enter_code",
        permission="message.receive",
        summary="Enter the mailed code",
        takes=ProofIn,
        answers=ProofOut,
        status=201,
        parameters=[NUMBER],
        problems=(404,),
    )
    def post(self, request: Request, number: int) -> Response:
        """The proof holds on this ticket for an hour. A wrong code counts as a try; there are five."""
        sent, ticket = self.taken(ProofIn), self.relayed(number)
        proof = identity.enter_code(ticket_id=ticket.pk, digits=sent["digits"])
        return Response({"method": proof.method, "expires_at": proof.expires_at}, status=201)


class Confirmations(OfTicket):
    """The customer's yes or no."""

    subject = "identity"

    @operation(
        "answer_confirmation",
        permission="message.receive",
        summary="Give the customer's yes or no",
        takes=AnswerIn,
        examples=[example("The customer agrees", {"hash": "9f2c…", "yes": True})],
        answers=AnsweredCall,
        parameters=[NUMBER, CALL],
        problems=(404,),
    )
    def post(self, request: Request, number: int, call: uuid.UUID) -> Response:
        """To exactly the card whose hash was shown. A yes lets the call run after the policy decides it once more."""
        sent, ticket = self.taken(AnswerIn), self.relayed(number)
        done = confirmations.answer(ticket_id=ticket.pk, call_id=str(call), shown_hash=sent["hash"], yes=sent["yes"])
        return Response({"call": done.pk, "state": done.state})
