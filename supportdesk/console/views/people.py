"""The workspace's people: who they are, inviting others, changing what they are, and letting them go."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from supportdesk.accounts import invitations, roster
from supportdesk.accounts.models import Invitation
from supportdesk.accounts.people import disable, owners_take_turns, refused_change, set_role
from supportdesk.accounts.sessions import end_all_sessions
from supportdesk.console.asking import member_of, takes
from supportdesk.core.events import teammate
from supportdesk.core.models import Membership, Role, Team
from supportdesk.core.permissions import allowed


@require_GET
@never_cache
@allowed("team.edit")
def people(request: HttpRequest) -> HttpResponse:
    """The page."""
    return _page(request)


@require_POST
@allowed("sign_in.edit")
@takes("email", "role", "teams")
def invite(request: HttpRequest) -> HttpResponse:
    """Mail an invitation."""
    email, teams = request.POST.get("email", ""), request.POST.getlist("teams")
    if not all(_is_number(each) for each in teams):
        teams = ["0"]
    try:
        invitations.invite(
            email=email,
            role=request.POST.get("role", ""),
            teams=[int(each) for each in teams],
            origin=f"{request.scheme}://{request.get_host()}",
            by=member_of(request),
        )
    except invitations.NotInvited as error:
        return _page(request, status=422, fault=str(error))
    messages.success(request, "The invitation is on its way. It opens once, within a day.")
    return redirect("console:people")


@require_POST
@allowed("sign_in.edit")
@takes()
def resend(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Mail another link in place of the one before."""
    row = _invitation(invitation_id)
    try:
        done = invitations.resend(invitation=row, by=member_of(request))
    except invitations.NotInvited as error:
        return _page(request, status=422, fault=str(error))
    return _told(request, done, "Another link is on its way; the one before is over.")


@require_POST
@allowed("sign_in.edit")
@takes()
def withdraw(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """End an invitation."""
    return _told(
        request, invitations.withdraw(invitation=_invitation(invitation_id), by=member_of(request)), "The invitation is withdrawn."
    )


@require_POST
@allowed("sign_in.edit")
@takes("role")
def change_role(request: HttpRequest, member_id: int) -> HttpResponse:
    """Make a teammate something else."""
    role = request.POST.get("role", "")
    with transaction.atomic():
        owners_take_turns(member_of(request).tenant)
        member = _teammate(request, member_id)
        if role not in Role.values:
            return _page(request, status=422, fault="Choose what they are.")
        _field, fault = refused_change(member=member, role=role, is_active=member.is_active, by=member_of(request))
        if fault:
            return _page(request, status=422, fault=fault)
        set_role(member=member, role=role, by=teammate(member_of(request)))
    messages.success(request, f"{member.name} is {member.get_role_display().lower()} now.")
    return redirect("console:people")


@require_POST
@allowed("sign_in.edit")
@takes()
def let_go(request: HttpRequest, member_id: int) -> HttpResponse:
    """Let a teammate go: sessions, sockets and keys end at once."""
    with transaction.atomic():
        owners_take_turns(member_of(request).tenant)
        member = _teammate(request, member_id)
        _field, fault = refused_change(member=member, role=member.role, is_active=False, by=member_of(request))
        if fault:
            return _page(request, status=422, fault=fault)
        disable(member=member, by=teammate(member_of(request)))
    messages.success(request, f"{member.name} works here no more. Invite them again if they come back.")
    return redirect("console:people")


@require_POST
@allowed("sign_in.edit")
@takes()
def end_sessions(request: HttpRequest, member_id: int) -> HttpResponse:
    """Sign a teammate out everywhere."""
    member = _teammate(request, member_id)
    ended = end_all_sessions(user=member.user, by=teammate(member_of(request)))
    messages.success(request, f"{ended} {'session has' if ended == 1 else 'sessions have'} ended.")
    return redirect("console:people")


@require_POST
@allowed("sign_in.edit")
@takes()
def reset_second_factor(request: HttpRequest, member_id: int) -> HttpResponse:
    """Take away a second factor that its owner lost."""
    with transaction.atomic():
        owners_take_turns(member_of(request).tenant)
        member = _teammate(request, member_id)
        if member.role == Role.OWNER and member_of(request).role != Role.OWNER:
            return _page(request, status=422, fault="Only an owner resets the second factor of an owner.")
        done = roster.reset_second_factor(member=member, by=member_of(request))
    if not done:
        return _page(request, status=422, fault="Nothing was reset: they have none, or they work in other workspaces too.")
    messages.success(request, f"{member.name} signs in with the password alone until they set up another one.")
    return redirect("console:people")


def _page(request: HttpRequest, *, status: int = 200, fault: str = "") -> HttpResponse:
    member, everybody = member_of(request), roster.people_of(member_of(request).tenant)
    context: dict[str, Any] = {
        "here": [each for each in everybody if each.member.is_active],
        "gone": [each for each in everybody if not each.member.is_active],
        "member": member,
        "invitations": invitations.waiting(),
        "now": timezone.now(),
        "teams": Team.objects.order_by("name"),
        "roles": [role for role in Role if role != Role.OWNER or member.role == Role.OWNER],
        "fault": fault,
        "typed": request.POST if fault else {},
    }
    return render(request, "console/people.html", context, status=status)


def _teammate(request: HttpRequest, member_id: int) -> Membership:
    """A teammate of this workspace."""
    rows = Membership.objects.select_related("user", "tenant").filter(tenant=member_of(request).tenant, is_active=True)
    found = rows.filter(pk=member_id).first()
    if found is None:
        raise Http404("There is no such teammate here.")
    return found


def _invitation(invitation_id: int) -> Invitation:
    found = invitations.waiting().filter(pk=invitation_id).first()
    if found is None:
        raise Http404("There is no such invitation here.")
    return found


def _told(request: HttpRequest, done: bool, said: str) -> HttpResponse:
    if done:
        messages.success(request, said)
    else:
        messages.error(request, "That invitation is over.")
    return redirect("console:people")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
