"""The pages: workspaces, accounts, jobs, failed sign-ins, and what operators did. Counts and states only, never what is inside."""

from typing import Any

from axes.models import AccessAttempt
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from agents.releases.workspaces import make_workspace
from supportdesk.accounts import invitations, operating, second_factor
from supportdesk.core.events import broken_links
from supportdesk.core.models import ChainHead, Job, KillSwitch, Membership, OperatorAct, Role, Tenant, User
from supportdesk.core.stepup import ask, check_proof, demand_proof
from supportdesk.core.tenancy import acting_for
from supportdesk.operators.guard import operator_of, operators_only

SHOWN = 100


@never_cache
@require_GET
@operators_only()
def workspaces(request: HttpRequest) -> HttpResponse:
    """Every workspace with its counts, and the switch that stops all agents."""
    return _workspaces(request)


@require_POST
@operators_only("slug", "name", "email")
def make(request: HttpRequest) -> HttpResponse:
    """Make a workspace and invite its first owner."""
    slug, name, email = (" ".join(request.POST.get(each, "").replace("\x00", "").split()) for each in ("slug", "name", "email"))
    try:
        validate_slug(slug)
        validate_email(email)
        if not name or len(name) > 120 or len(slug) > 50:
            raise ValidationError("Give it a name and a short name.")
        with transaction.atomic():
            tenant = make_workspace(slug=slug, name=name)
            with acting_for(tenant):
                origin = f"{request.scheme}://{request.get_host()}"
                invitations.invite(email=email, role=Role.OWNER, teams=[], origin=origin, by=None, operator=operator_of(request))
            operating.log("workspace_made", by=operator_of(request), tenant=tenant)
    except ValidationError as error:
        return _workspaces(request, fault=" ".join(error.messages))
    except IntegrityError:
        return _workspaces(request, fault="There is a workspace with that short name already.")
    except invitations.NotInvited as error:
        return _workspaces(request, fault=str(error))
    messages.success(request, f"{tenant.name} is made; its owner is invited.")
    return redirect("operator:workspaces")


@require_POST
@operators_only("reason")
def suspend(request: HttpRequest, tenant_id: int) -> HttpResponse:
    """Stop a workspace."""
    return _switched(request, _tenant(tenant_id), operating.suspend, "is suspended: nobody works there, and nothing of it runs.")


@require_POST
@operators_only("reason")
def resume(request: HttpRequest, tenant_id: int) -> HttpResponse:
    """Let a workspace go on."""
    return _switched(request, _tenant(tenant_id), operating.resume, "goes on.")


@require_POST
@operators_only()
def verify(request: HttpRequest, tenant_id: int) -> HttpResponse:
    """Check the workspace's event chain from its beginning."""
    tenant = _tenant(tenant_id)
    broken = broken_links(tenant)
    operating.log("chain_verified", by=operator_of(request), tenant=tenant)
    if broken:
        messages.error(request, f"{tenant.name}: {len(broken)} places of the chain do not hold. Run verify_audit.")
    else:
        messages.success(request, f"{tenant.name}: the chain holds.")
    return redirect("operator:workspaces")


@require_POST
@operators_only("is_on", "reason")
def switch(request: HttpRequest) -> HttpResponse:
    """Stop every workspace's agents, or let them go on."""
    try:
        operating.flip_global_switch(is_on=request.POST.get("is_on") == "1", reason=request.POST.get("reason", ""), by=operator_of(request))
    except operating.Refused as error:
        return _workspaces(request, fault=str(error))
    messages.success(request, "The switch is flipped.")
    return redirect("operator:workspaces")


@never_cache
@require_GET
@operators_only()
def accounts(request: HttpRequest) -> HttpResponse:
    """Accounts of the installation, found by name or address."""
    return _accounts(request)


@require_POST
@operators_only("reason")
def close_account(request: HttpRequest, user_id: int) -> HttpResponse:
    """Close an account everywhere."""
    return _account(request, user_id, operating.close_account, "is closed")


@require_POST
@operators_only("reason")
def open_account(request: HttpRequest, user_id: int) -> HttpResponse:
    """Let a closed account sign in again."""
    return _account(request, user_id, operating.open_account, "is open again")


@require_POST
@operators_only()
def end_sessions(request: HttpRequest, user_id: int) -> HttpResponse:
    """Sign somebody out everywhere."""
    ended = operating.end_sessions_of(user=_user(user_id), by=operator_of(request))
    messages.success(request, f"{ended} {'session has' if ended == 1 else 'sessions have'} ended.")
    return redirect("operator:accounts")


@never_cache
@require_GET
@operators_only()
def jobs(request: HttpRequest) -> HttpResponse:
    """Jobs of all workspaces by state, and the dead ones by name; arguments and errors are the workspaces' own."""
    rows = Job.objects.values("tenant__name", "name", "state").annotate(n=Count("pk")).order_by("state", "tenant__name", "name")
    dead = Job.objects.filter(state=Job.State.DEAD).select_related("tenant").order_by("-pk")[:SHOWN]
    return render(request, "operator/jobs.html", {"rows": rows, "dead": dead})


@never_cache
@require_GET
@operators_only()
def sign_ins(request: HttpRequest) -> HttpResponse:
    """Failed sign-ins that are counted now."""
    found = AccessAttempt.objects.order_by("-attempt_time").values("attempt_time", "username", "ip_address", "failures_since_start")[:SHOWN]
    return render(request, "operator/sign_ins.html", {"attempts": found})


@never_cache
@require_GET
@operators_only()
def acts(request: HttpRequest) -> HttpResponse:
    """What operators did, newest first."""
    found = OperatorAct.objects.select_related("by", "tenant", "user").order_by("-pk")[:SHOWN]
    return render(request, "operator/acts.html", {"acts": found})


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
@operators_only("code", before_factor=True)
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """Set up the second factor that this site asks for."""
    user, fault = operator_of(request), ""
    if second_factor.has_second_factor(user):
        return redirect("operator:workspaces")
    if request.method == "POST":
        # The first one, too: a session somebody left open must not become a stranger's for good.
        if (asked := demand_proof(request)) is not None:
            return asked
        codes = second_factor.enrol(request, user, request.POST.get("code", "")[:20])
        if codes is not None:
            pairs = [f"{code[: len(code) // 2]} {code[len(code) // 2 :]}" for code in codes]
            done = {"codes": pairs, "title": "Your second factor is set up", "done": reverse("operator:workspaces")}
            return render(request, "console/recovery_codes.html", done)
        fault = "That code does not fit. Enter the one the app shows now."
    secret = second_factor.pending_secret(request.session, user)
    context = {"image": second_factor.qr_image(user, secret), "secret": secret, "fault": fault, "is_required": True}
    return render(request, "console/second_factor.html", context, status=422 if fault else 200)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
@operators_only(before_factor=True)
def prove(request: HttpRequest) -> HttpResponse:
    """Show the second factor in a session that did not yet."""
    fault = check_proof(request) if request.method == "POST" else ""
    if request.method == "POST" and not fault:
        return redirect("operator:workspaces")
    return ask(request, action=reverse("operator:prove"), fault=fault)


def _workspaces(request: HttpRequest, *, fault: str = "") -> HttpResponse:
    counted = Tenant.objects.annotate(people=Count("memberships", filter=Q(memberships__is_active=True))).order_by("name", "pk")
    heads = dict(ChainHead.objects.values_list("tenant_id", "position"))
    states: dict[int, dict[str, int]] = {}
    for tenant_id, state, n in Job.objects.values_list("tenant_id", "state").annotate(n=Count("pk")):
        states.setdefault(tenant_id, {})[state] = n
    rows = [{"tenant": each, "position": heads.get(each.pk, 0), "jobs": states.get(each.pk, {})} for each in counted]
    stopped = KillSwitch.objects.filter(tenant=None, tool="", is_on=True).first()
    context: dict[str, Any] = {"rows": rows, "stopped": stopped, "fault": fault, "typed": request.POST if fault else {}}
    return render(request, "operator/workspaces.html", context, status=422 if fault else 200)


def _accounts(request: HttpRequest, *, fault: str = "") -> HttpResponse:
    wanted = request.GET.get("q", "").replace("\x00", "")[:100].strip()
    found = User.objects.order_by("name", "pk")
    if wanted:
        found = found.filter(Q(name__icontains=wanted) | Q(email__icontains=wanted))
    shown = list(found[:SHOWN])
    places: dict[int, list[str]] = {}
    for user_id, name in Membership.objects.filter(user__in=shown, is_active=True).values_list("user_id", "tenant__name").order_by("pk"):
        places.setdefault(user_id, []).append(name)
    rows = [(each, places.get(each.pk, [])) for each in shown]
    context = {"rows": rows, "q": wanted, "fault": fault}
    return render(request, "operator/accounts.html", context, status=422 if fault else 200)


def _tenant(tenant_id: int) -> Tenant:
    found = Tenant.objects.filter(pk=tenant_id).first()
    if found is None:
        raise Http404
    return found


def _user(user_id: int) -> User:
    found = User.objects.filter(pk=user_id).first()
    if found is None:
        raise Http404
    return found


def _switched(request: HttpRequest, tenant: Tenant, done: Any, said: str) -> HttpResponse:
    try:
        changed = done(tenant=tenant, reason=request.POST.get("reason", ""), by=operator_of(request))
    except operating.Refused as error:
        return _workspaces(request, fault=str(error))
    messages.success(request, f"{tenant.name} {said}" if changed else f"{tenant.name} was so already.")
    return redirect("operator:workspaces")


def _account(request: HttpRequest, user_id: int, done: Any, said: str) -> HttpResponse:
    user = _user(user_id)
    try:
        done(user=user, reason=request.POST.get("reason", ""), by=operator_of(request))
    except operating.Refused as error:
        return _accounts(request, fault=str(error))
    messages.success(request, f"The account of {user} {said}.")
    return redirect("operator:accounts")
