"""One customer: who they are, their tickets in sight, and what their data may be subject to: hold, export, erasure."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef, Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from supportdesk.console.asking import found_ticket, member_of, takes
from supportdesk.core.permissions import allowed
from supportdesk.core.sealing import CannotOpen
from supportdesk.lifecycle import erasing, exports, holds, originals
from supportdesk.lifecycle.models import CustomerExport, Emptied, Erasure, KeptOriginal, LegalHold
from tickets.errors import Refusal
from tickets.models import Customer, CustomerIdentity, Ticket

SHOWN = 50


def found_customer(request: HttpRequest, customer_id: int) -> Customer:
    """The customer, if the teammate sees a ticket of theirs, or they never wrote.

    Raises:
        Http404: for nobody, another workspace's, and one whose tickets are all out of sight: they look alike.
    """
    theirs = Ticket.objects.filter(customer=OuterRef("pk"))
    in_sight = Ticket.objects.visible_to(member_of(request)).filter(customer=OuterRef("pk"))
    shown = Customer.objects.select_related("company").filter(Q(Exists(in_sight)) | ~Q(Exists(theirs)))
    found: Customer | None = shown.filter(pk=customer_id).first()
    if found is None:
        raise Http404("There is no such customer here.")
    return found


@require_GET
@never_cache
@allowed("customer.see")
def page(request: HttpRequest, customer_id: int) -> HttpResponse:
    """The page."""
    return _page(request, found_customer(request, customer_id))


@require_POST
@allowed("customer.export")
@takes()
def export(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Have everything stored of this person put together."""
    customer = found_customer(request, customer_id)
    with _told(request, "The export is being made. It stands here for you, for a day."):
        exports.ask_for_export(customer_id=customer.pk, by=member_of(request))
    return redirect("console:customer", customer_id)


@require_GET
@never_cache
@allowed("customer.export")
def download(request: HttpRequest, export_id: int) -> FileResponse:
    """The zip, for whoever asked for it."""
    member = member_of(request)
    found = CustomerExport.objects.select_related("customer").filter(pk=export_id, asked_by=member).first()
    if found is None or not found.is_open:
        raise Http404("There is no such export here.")
    found_customer(request, found.customer_id)
    try:
        content = exports.open_export(export=found, by=member)
    except (Refusal, FileNotFoundError) as error:
        raise Http404("There is no such export here.") from error
    response = FileResponse(content, as_attachment=True, filename=f"customer-{found.customer_id}.zip", content_type="application/zip")
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@allowed("customer.erase")
@takes("typed")
def erase(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Begin erasing this person, once it was typed that this is meant."""
    customer = found_customer(request, customer_id)
    if request.POST.get("typed", "").strip().casefold() != _typed(customer):
        return _page(request, customer, status=422, fault=f"Type “{_typed(customer)}” to go on. Nothing was erased.")
    try:
        erasing.ask_for_erasure(customer_id=customer.pk, by=member_of(request))
    except Refusal as refusal:
        return _page(request, customer, status=409, fault=str(refusal))
    messages.success(request, "The customer is being erased. It is done within a day.")
    return redirect("console:customer", customer_id)


@require_POST
@allowed("retention.edit")
@takes("reason")
def hold(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Hold everything of this person."""
    customer = found_customer(request, customer_id)
    with _told(request, "Held. Nothing of this customer goes until the hold is lifted."):
        holds.place_on_customer(customer_id=customer.pk, reason=request.POST.get("reason", ""), by=member_of(request))
    return redirect("console:customer", customer_id)


@require_POST
@allowed("retention.edit")
@takes("reason")
def hold_ticket(request: HttpRequest, number: int) -> HttpResponse:
    """Hold everything of one ticket."""
    ticket = found_ticket(request, number)
    with _told(request, "Held. Nothing of this ticket goes until the hold is lifted."):
        holds.place_on_ticket(ticket_id=ticket.pk, reason=request.POST.get("reason", ""), by=member_of(request))
    return redirect("console:ticket", number)


@require_POST
@allowed("retention.edit")
@takes()
def lift(request: HttpRequest, hold_id: int) -> HttpResponse:
    """End a hold."""
    found = LegalHold.objects.select_related("ticket").filter(pk=hold_id).first()
    if found is None:
        raise Http404("There is no such hold here.")
    customer = found_customer(request, found.ticket.customer_id if found.ticket else found.customer_id or 0)
    if found.ticket:
        found_ticket(request, found.ticket.number)
    with _told(request, "The hold is lifted."):
        holds.lift(hold_id=found.pk, by=member_of(request))
    return redirect("console:customer", customer.pk)


@require_POST
@never_cache
@allowed("customer.export")
@takes()
def original(request: HttpRequest, original_id: int) -> HttpResponse:
    """What a masked message said; looking is an event."""
    found = KeptOriginal.objects.select_related("message__ticket").filter(pk=original_id).first()
    if found is None:
        raise Http404("There is no such original here.")
    ticket = found_ticket(request, found.message.ticket.number)
    try:
        text = originals.read(original_id=found.pk, by=member_of(request))
    except CannotOpen:
        messages.error(request, "This original does not open: the key it was sealed with is gone.")
        return redirect("console:customer", ticket.customer_id)
    response = render(request, "console/original.html", {"ticket": ticket, "text": text, "message": found.message})
    response["Cache-Control"] = "no-store"
    return response


@contextmanager
def _told(request: HttpRequest, said: str) -> Iterator[None]:
    """Tell what was done, or why it was refused."""
    try:
        yield
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)


def _typed(customer: Customer) -> str:
    return f"erase {customer.pk}"


def _page(request: HttpRequest, customer: Customer, *, status: int = 200, fault: str = "") -> HttpResponse:
    member = member_of(request)
    seen = Ticket.objects.visible_to(member).filter(customer=customer)
    context: dict[str, Any] = {
        "customer": customer,
        "member": member,
        "identities": list(CustomerIdentity.objects.filter(customer=customer).order_by("-is_verified", "id")),
        "tickets": list(seen.joined().order_by("-last_message_at")[:SHOWN]),
        "holds": list(holds.standing_on(customer.pk).filter(Q(ticket=None) | Q(ticket__in=seen))),
        "exports": list(CustomerExport.objects.filter(customer=customer, asked_by=member).order_by("-asked_at")),
        "erasure": Erasure.objects.filter(customer=customer).order_by("-id").first(),
        "originals": list(
            KeptOriginal.objects.filter(message__ticket__in=seen).select_related("message__ticket").order_by("-created_at")[:SHOWN]
        ),
        "emptied": set(Emptied.objects.filter(ticket__in=seen).values_list("ticket_id", flat=True)),
        "why_not": erasing.why_not(customer.pk),
        "typed": _typed(customer),
        "fault": fault,
    }
    return render(request, "console/customer.html", context, status=status)
