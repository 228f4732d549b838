"""Approvals: the list with one card beside it, what is new, and the three decisions. A refusal says why, on the card it is about."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from agents.actions import approvals
from agents.actions.large import is_large
from agents.actions.models import Approval
from policies.verdicts import Verdict
from supportdesk.console import words
from supportdesk.console.amounts import NotAnAmount, typed_amount, within
from supportdesk.console.approving import (
    ADDRESS_FIELDS,
    EDITABLE,
    REASONS,
    Card,
    as_typed,
    card_of,
    desk_of,
    found_approval,
    most_of,
    waiting_count,
)
from supportdesk.console.asking import member_of, shown_cards, takes, wants_fragment
from supportdesk.console.evidence import reasons_named
from supportdesk.console.thread import page_position
from supportdesk.core.models import Membership
from supportdesk.core.money import amount_text
from supportdesk.core.permissions import allowed
from supportdesk.core.stepup import demand_proof
from tickets.errors import Refusal, Unacceptable


@require_GET
@never_cache
@allowed("approval.see")
def page(request: HttpRequest, approval_id: int | None = None) -> HttpResponse:
    """What waits, with one card beside it: a whole page, or only the card when htmx asks."""
    member = member_of(request)
    if approval_id is not None and wants_fragment(request, "approval"):
        card = card_of(found_approval(member, approval_id), member)
        return _varied(render(request, "console/_approval.html", {"card": card, "reject_reasons": REASONS}))
    desk = desk_of(member)
    shown = found_approval(member, approval_id) if approval_id is not None else desk.waiting[0].approval if desk.waiting else None
    return _whole(request, {"desk": desk, "card": card_of(shown, member) if shown else None, "is_chosen": approval_id is not None})


@require_GET
@never_cache
@allowed("approval.see")
def news(request: HttpRequest) -> HttpResponse:
    """The count, and, as far as the page shows them, the list and the cards as they are now."""
    return render(request, "console/_approval_news.html", _news(request))


@require_GET
@never_cache
@allowed("approval.decide", asks_outside=True)
def preview(request: HttpRequest, approval_id: int) -> HttpResponse:
    """What an edit would come to, as a sentence and the words of its button."""
    approval = found_approval(member_of(request), approval_id)
    try:
        edited = _edited(approval, request.GET)
        found = approvals.preview(approval_id=approval_id, by=member_of(request), arguments=edited)
    except (Refusal, NotAnAmount) as refusal:
        return render(request, "console/_foreseen.html", {"approval": approval, "fault": str(refusal)})
    value = amount_text(edited["amount"], approval.call.currency) if "amount" in edited else _("the new address")
    context = {"approval": approval, "value": value, "tone": "ok", **_foreseen(approval, found, value, edited)}
    return render(request, "console/_foreseen.html", context)


@require_POST
@allowed("approval.decide")
@takes("shown")
def approve(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Let the call run as it was shown; a large one asks again who it is."""
    if (asked := _asked(request, approval_id)) is not None:
        return asked

    def act(approval: Approval, by: Membership) -> str:
        approvals.approve(approval_id=approval.pk, by=by, shown_hash=request.POST.get("shown", ""))
        return _("Approved: %(act)s.") % {"act": words.act_of(approval.call)}

    return _act(request, approval_id, act)


@require_POST
@allowed("approval.decide")
@takes("shown", "amount", *(name for name, _said, _most in ADDRESS_FIELDS))
def edit(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Put a changed call in its place; the same holds."""
    if (asked := _asked(request, approval_id)) is not None:
        return asked

    def act(approval: Approval, by: Membership) -> str:
        arguments = _edited(approval, request.POST)
        done = approvals.edit(approval_id=approval.pk, by=by, shown_hash=request.POST.get("shown", ""), arguments=arguments)
        said = {"act": words.act_of(done.call)}
        if done.is_approved:
            return _("Changed and approved: %(act)s.") % said
        if done.call.state == "waiting":
            return _("Changed. Another teammate decides: %(act)s.") % said
        return _("Changed. The customer is asked to confirm: %(act)s.") % said

    return _act(request, approval_id, act, form="edit")


@require_POST
@allowed("approval.decide")
@takes("shown", "reason", "other", "say")
def reject(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Decline the call, with a reason for teammates and words for the customer."""

    def act(approval: Approval, by: Membership) -> str:
        reason = request.POST.get("other", "").strip() or request.POST.get("reason", "")
        approvals.reject(approval_id=approval.pk, by=by, reason=reason, say=request.POST.get("say", ""))
        return _("Rejected: %(act)s.") % {"act": words.act_of(approval.call)}

    return _act(request, approval_id, act, form="reject")


def _asked(request: HttpRequest, approval_id: int) -> HttpResponse | None:
    approval, amount = found_approval(member_of(request), approval_id), None
    if EDITABLE.get(approval.call.tool) == "amount" and "amount" in request.POST:
        try:
            amount = typed_amount(request.POST["amount"], approval.call.currency)
        except NotAnAmount:
            # The form says so itself.
            pass
    return demand_proof(request) if approval.decision in (None, "") and is_large(approval.call, amount) else None


def _act(request: HttpRequest, approval_id: int, do: Callable[[Approval, Membership], str], *, form: str = "") -> HttpResponse:
    member = member_of(request)
    approval, status, said, fault = found_approval(member, approval_id), 200, "", ""
    try:
        said = do(approval, member)
    except (Unacceptable, NotAnAmount) as refusal:
        fault, status = str(refusal), 422
    except Refusal as refusal:
        fault, status = str(refusal), 409
    except Approval.DoesNotExist as gone:
        raise Http404("There is no such approval here.") from gone
    if not wants_fragment(request):
        card = card_of(found_approval(member, approval_id), member)
        if fault and form and card.state == "open":
            return _refused(request, card, {"form": form, "fault": fault, "typed": request.POST}, status)
        messages.add_message(request, messages.ERROR if fault else messages.SUCCESS, fault or said)
        return redirect("console:approval", approval_id)
    context = _news(request, notices={approval_id: fault if status == 409 else ""})
    return render(request, "console/_approval_news.html", {**context, "said": said, "fault": fault, "about": approval_id}, status=status)


def _refused(request: HttpRequest, card: Card, refused: Mapping[str, Any], status: int) -> HttpResponse:
    """The page with what was typed still in its form, for a browser without JavaScript."""
    shown = as_typed(card, refused["typed"]) if refused["form"] == "edit" else card
    return _whole(request, {"desk": desk_of(member_of(request)), "card": shown, "is_chosen": True, "refused": refused}, status)


def _whole(request: HttpRequest, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
    context = {**context, "reject_reasons": REASONS, "position": page_position(member_of(request))}
    return _varied(render(request, "console/approvals.html", context, status=status))


def _news(request: HttpRequest, *, notices: Mapping[int, str] | None = None) -> dict[str, Any]:
    """What changed for a page that shows the cards of `X-Asks`; `notices` are said on their cards."""
    member, notices = member_of(request), notices or {}
    shown = {*shown_cards(request), *notices}
    held = Approval.objects.visible_to(member).joined().filter(pk__in=shown).order_by("id")
    cards = [card_of(each, member, notice=notices.get(each.pk, "") if not each.decision else "") for each in held]
    context: dict[str, Any] = {"cards": cards, "waiting": waiting_count(member), "reject_reasons": REASONS}
    if request.headers.get("X-Page") == "approvals":
        context["desk"] = desk_of(member)
    return context


def _edited(approval: Approval, data: QueryDict) -> dict[str, Any]:
    """The changed arguments as they were typed.

    Raises:
        NotAnAmount: for an amount that is none, or is out of bounds.
        Unacceptable: for an address that cannot be one, and for a call nothing of which can be edited.
    """
    call = approval.call
    match EDITABLE.get(call.tool):
        case "amount":
            return {"amount": within(typed_amount(data.get("amount", ""), call.currency), most_of(call), call.currency)}
        case "address":
            return _address(data)
    raise Unacceptable(_("Nothing of this can be changed. Approve or reject it."))


def _address(data: QueryDict) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, said, most in ADDRESS_FIELDS:
        value = " ".join(data.get(name, "").replace("\x00", "").split())
        if len(value) > most:
            raise Unacceptable(_("%(field)s: at most %(most)d characters.") % {"field": said, "most": most})
        if not value and name != "line2":
            raise Unacceptable(_("%(field)s is missing.") % {"field": said})
        found[name] = value or None
    found["country"] = found["country"].upper()
    if len(found["country"]) != 2 or not (found["country"].isascii() and found["country"].isalpha()):
        raise Unacceptable(_("Country: two letters, like DE."))
    if len(found["postcode"]) < 2:
        raise Unacceptable(_("Postcode: at least 2 characters."))
    return found


def _foreseen(approval: Approval, found: approvals.Preview, value: str, edited: Mapping[str, Any]) -> dict[str, str]:
    """The sentence and the button of what an edit would come to."""
    approve, named = _("Approve %(value)s") % {"value": value}, reasons_named(found.decision)
    match found.outcome:
        case "approved" if found.decision.verdict is Verdict.ASK:
            return {"verdict": _("ask"), "named": named, "then": _("Your approval answers it."), "go": approve, "tone": "warn"}
        case "approved":
            return {"verdict": _("allow"), "then": _("Within the rules: it runs at once."), "go": approve}
        case "asks_customer":
            go = _("Change to %(value)s") % {"value": value}
            return {"verdict": _("ask the customer"), "then": _("The customer has to confirm this."), "go": go, "tone": "warn"}
        case "asks_another":
            raises = edited.get("amount", 0) > (approval.call.amount or 0)
            lowers = "amount" in edited and not raises
            why = _("since you raise it") if raises else _("since you asked for it") if lowers else _("since you change it")
            then = _("Another teammate decides, %(why)s.") % {"why": why}
            go = _("Propose %(value)s") % {"value": value}
            return {"verdict": _("ask"), "named": named, "then": then, "go": go, "tone": "warn"}
    return {"verdict": _("deny"), "then": found.why, "go": "", "tone": "bad"}


def _varied(response: HttpResponse) -> HttpResponse:
    # One address, two answers: neither browser nor proxy may show the fragment as the page.
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response
