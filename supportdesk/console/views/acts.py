"""What teammates do to a ticket. Each act answers with what is new, or, without htmx, with the page; a refusal says why."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from supportdesk.console.asking import found_ticket, member_of, takes, wants_fragment
from supportdesk.console.side import open_queues, people_for
from supportdesk.console.views.ticket import news_of
from supportdesk.core.events import teammate
from supportdesk.core.models import Membership
from supportdesk.core.permissions import allowed
from tickets import access, verbs
from tickets.errors import Refusal, Unacceptable
from tickets.models import Ticket


@require_POST
@allowed("ticket.reply")
@takes("body", "client_id", "kind", "then")
def reply(request: HttpRequest, number: int) -> HttpResponse:
    """Send words to the customer, and resolve with them if asked."""
    then = request.POST.get("then") == "resolve"

    def send(ticket: Ticket, by: Membership) -> None:
        body = request.POST.get("body", "")
        verbs.reply(ticket_id=ticket.pk, by=by, body=body, client_id=request.POST.get("client_id", ""), resolve_after=then)

    return _act(request, number, send, _("Sent and resolved.") if then else "")


@require_POST
@allowed("ticket.note")
@takes("body", "client_id", "kind", "then")
def note(request: HttpRequest, number: int) -> HttpResponse:
    """Leave words only teammates see."""

    def leave(ticket: Ticket, by: Membership) -> None:
        verbs.note(ticket_id=ticket.pk, by=by, body=request.POST.get("body", ""), client_id=request.POST.get("client_id", ""))

    return _act(request, number, leave, "")


@require_POST
@allowed("ticket.take_over")
@takes()
def take_over(request: HttpRequest, number: int) -> HttpResponse:
    """Take the wheel."""
    return _act(request, number, lambda ticket, by: verbs.take_over(ticket_id=ticket.pk, by=by), _("You have this ticket now."))


@require_POST
@allowed("ticket.hand_back")
@takes("note")
def hand_back(request: HttpRequest, number: int) -> HttpResponse:
    """Let the AI agent go on, with a note for it if there is one."""

    def give(ticket: Ticket, by: Membership) -> None:
        verbs.hand_back(ticket_id=ticket.pk, by=by, note_text=request.POST.get("note", ""))

    return _act(request, number, give, _("Handed back."))


@require_POST
@allowed("ticket.assign")
@takes("to")
def assign(request: HttpRequest, number: int) -> HttpResponse:
    """Give the ticket to oneself, to a teammate of its queue, or to nobody."""
    wanted = request.POST.get("to", "")

    def give(ticket: Ticket, by: Membership) -> None:
        people = {str(person.pk): person for person in (*people_for(ticket), by)}
        if wanted and wanted not in people:
            raise Refusal(_("This teammate does not work this queue."))
        verbs.assign(ticket_id=ticket.pk, to=people[wanted] if wanted else None, by=by)

    return _act(request, number, give, _("Assigned.") if wanted else _("Assigned to nobody."))


@require_POST
@allowed("ticket.assign")
@takes()
def end_access(request: HttpRequest, number: int) -> HttpResponse:
    """Show the customer out of this ticket: whatever opens it on their side ends."""
    return _act(request, number, lambda ticket, by: access.end_access(ticket_id=ticket.pk, by=by), _("The customer's access has ended."))


@require_POST
@allowed("ticket.assign")
@takes("queue", "priority")
def route(request: HttpRequest, number: int) -> HttpResponse:
    """Move the ticket to a queue, and set its priority."""
    queue, priority = request.POST.get("queue", ""), request.POST.get("priority", "")
    if not (queue.isascii() and queue.isdigit() and len(queue) < 19 and priority.isascii() and priority.isdigit() and len(priority) < 3):
        raise Http404("There is no such queue or priority.")

    def move(ticket: Ticket, by: Membership) -> None:
        if not open_queues(by).filter(pk=int(queue)).exists():
            raise Refusal(_("There is no such queue here."))
        verbs.route(ticket_id=ticket.pk, queue_id=int(queue), priority=int(priority), by=teammate(by))

    return _act(request, number, move, _("Saved."))


@require_POST
@allowed("ticket.resolve")
@takes()
def resolve(request: HttpRequest, number: int) -> HttpResponse:
    """Close the case."""
    return _act(request, number, lambda ticket, by: verbs.resolve(ticket_id=ticket.pk, by=teammate(by)), _("Resolved."))


@require_POST
@allowed("ticket.resolve")
@takes()
def reopen(request: HttpRequest, number: int) -> HttpResponse:
    """Open it again, in one's own hands."""
    return _act(request, number, lambda ticket, by: verbs.reopen(ticket_id=ticket.pk, by=by), _("Reopened. You have it."))


def _act(request: HttpRequest, number: int, do: Callable[[Ticket, Membership], object], said: str) -> HttpResponse:
    ticket, status, tone = found_ticket(request, number), 200, "ok"
    try:
        do(ticket, member_of(request))
    except Refusal as refusal:
        said, tone, status = str(refusal), "bad", 422 if isinstance(refusal, Unacceptable) else 409
    if not wants_fragment(request):
        if said:
            messages.add_message(request, messages.ERROR if status != 200 else messages.SUCCESS, said)
        return redirect("console:ticket", number)
    try:
        ticket = found_ticket(request, number)
    except Http404:
        # It went to a queue this teammate does not work: the list is where they go on.
        messages.success(request, said)
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("console:queue")})
    context = {**news_of(request, ticket), "said": said, "said_tone": tone, "client_id": get_random_string(20)}
    return render(request, "console/_news.html", context, status=status)
