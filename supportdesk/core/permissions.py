"""The permission table: which role may do what. Views, sockets, admin, docs and tests all read this one."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from supportdesk.core.models import Membership, Role
from supportdesk.core.stepup import demand_proof
from supportdesk.core.tenancy import one_reading

P = ParamSpec("P")

READERS = frozenset(Role)
WRITERS = frozenset({Role.RESPONDER, Role.SUPERVISOR, Role.ADMIN, Role.OWNER})
LEADS = frozenset({Role.SUPERVISOR, Role.ADMIN, Role.OWNER})
EDITORS = frozenset({Role.POLICY_EDITOR, Role.ADMIN, Role.OWNER})
ADMINS = frozenset({Role.ADMIN, Role.OWNER})

PERMISSIONS: dict[str, frozenset[Role]] = {
    "ticket.list": READERS,
    "ticket.see": READERS,
    "ticket.see_all": LEADS | EDITORS,
    "ticket.reply": WRITERS,
    "ticket.note": WRITERS,
    "ticket.assign": WRITERS,
    "ticket.take_over": WRITERS,
    "ticket.hand_back": WRITERS,
    "ticket.resolve": WRITERS,
    "approval.see": READERS,
    "approval.decide": LEADS,
    "trace.see": READERS,
    "customer.see": READERS,
    "customer.edit": WRITERS,
    # Say who writes without a code; for programs that signed the customer in themselves.
    "customer.vouch": ADMINS,
    # Relay what a customer wrote.
    "message.receive": WRITERS,
    "file.see": READERS,
    "knowledge.see": READERS,
    "knowledge.edit": EDITORS,
    "policy.see": READERS,
    "policy.edit": EDITORS,
    "policy.publish": EDITORS,
    "release.see": READERS,
    "release.promote": EDITORS,
    "connector.edit": ADMINS,
    "switch.flip": LEADS | EDITORS,
    "team.edit": ADMINS,
    "key.edit": ADMINS,
    "job.redrive": ADMINS,
    "audit.see": LEADS | EDITORS,
    "audit.export": ADMINS,
    # Invite people, change what they are, end their sessions, say how people sign in.
    "sign_in.edit": ADMINS,
    "customer.export": ADMINS,
    "customer.erase": ADMINS,
    # Retention schedules and legal holds.
    "retention.edit": ADMINS,
    # One's own page: name, sessions, keys. Its secrets: password, second factor, making keys.
    "profile.see": READERS,
    "profile.secure": READERS,
}

# What each verb lets do, in one sentence: the generated page docs/permissions.md tells it, and a test asks for it.
SENTENCES: dict[str, str] = {
    "ticket.list": "See the list of tickets, as far as tickets are in sight.",
    "ticket.see": "Open a ticket in sight and read its thread, notes included.",
    "ticket.see_all": "Have every ticket in sight that is not private, beyond one's own and those of one's queues.",
    "ticket.reply": "Answer the customer.",
    "ticket.note": "Leave a note that teammates alone read.",
    "ticket.assign": "Give a ticket to a teammate or to nobody, move it to another queue, set its priority.",
    "ticket.take_over": "Take a ticket from the AI agent, which is silent from there on.",
    "ticket.hand_back": "Give a ticket back to the AI agent.",
    "ticket.resolve": "Close a case, or open it again.",
    "approval.see": "See what waits for a decision on tickets in sight.",
    "approval.decide": "Approve, edit or reject what the agent wants to do; never one's own wish.",
    "trace.see": "See why the agent did what it did, for agents that are not private.",
    "customer.see": "See customers and their tickets in sight.",
    "customer.edit": "Add a customer and change what is known of them.",
    "customer.vouch": "Say who writes without a code, for programs that signed the customer in themselves.",
    "message.receive": "Relay what a customer wrote, on a ticket of the same environment.",
    "file.see": "Download the files of tickets in sight.",
    "knowledge.see": "Read the help centre's articles, drafts included.",
    "knowledge.edit": "Write articles and publish them.",
    "policy.see": "Read prompts, policies and their versions.",
    "policy.edit": "Change drafts of prompts, policies, rules and limits.",
    "policy.publish": "Freeze a draft as a version that releases can hold.",
    "release.see": "See agents and their releases, unless the agent is private.",
    "release.promote": "Set up agents, make releases, make one live and roll back.",
    "connector.edit": "Connect systems and replace their tokens, which are never shown again.",
    "switch.flip": "Stop the AI agent or one of its tools, and start it again.",
    "team.edit": "Shape teams, queues, channels, brands and roles, make them private, give and take grants.",
    "key.edit": "Make services and their API keys, and end them.",
    "job.redrive": "See jobs and give dead ones another chance.",
    "audit.see": "Read the audit trail, as far as its tickets are in sight.",
    "audit.export": "Take the audit trail out as a file.",
    "sign_in.edit": "Invite people, change what they are, end their sessions and say how people sign in.",
    "customer.export": "Take out everything that is stored of a customer.",
    "customer.erase": "Erase a customer's personal data everywhere.",
    "retention.edit": "Set how long data is kept, and hold it for a legal matter.",
    "profile.see": "See one's own page: name, sessions, keys.",
    "profile.secure": "Change one's own password and second factor, and make keys that act as oneself.",
}
# What a session may do only within ten minutes after its person proved who they are.
STEP_UP = frozenset(
    {
        "policy.publish",
        "release.promote",
        "connector.edit",
        "key.edit",
        "audit.export",
        "customer.export",
        "customer.erase",
        "retention.edit",
        "sign_in.edit",
        "profile.secure",
    }
)


def may(member: Membership | None, permission: str) -> bool:
    """Whether the teammate's role carries the permission; nobody and the inactive may nothing.

    Raises:
        KeyError: for a permission the table does not have.
    """
    roles = PERMISSIONS[permission]
    return member is not None and member.is_active and member.role in roles


def allowed(
    permission: str, *, asks_outside: bool = False
) -> Callable[[Callable[Concatenate[HttpRequest, P], HttpResponseBase]], Callable[Concatenate[HttpRequest, P], HttpResponseBase]]:
    """Let a view run only for a signed-in teammate with the permission: sign-in page for nobody, 403 for the others.

    A permission of `STEP_UP` also asks again who it is, unless that was proved lately. What a page reads it reads in one transaction,
    except one that `asks_outside`: nothing waits for another system with a transaction open.
    """
    assert permission in PERMISSIONS, permission  # noqa: S101

    def around(view: Callable[Concatenate[HttpRequest, P], HttpResponseBase]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            member: Any = getattr(request, "membership", None)
            if member is None:
                return redirect_to_login(request.get_full_path())
            if not may(member, permission):
                raise PermissionDenied(f"Your role ({member.get_role_display()}) does not include “{permission}”.")
            if permission in STEP_UP and (asked := demand_proof(request)) is not None:
                return asked
            if request.method not in ("GET", "HEAD") or asks_outside:
                return view(request, *args, **kwargs)
            with one_reading():
                return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return around
