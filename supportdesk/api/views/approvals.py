"""Approvals: what waits for a teammate, and the decision by a key that acts as one."""

from collections.abc import Callable
from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from agents.actions import approvals
from agents.actions.large import is_large
from agents.actions.models import Approval
from supportdesk.api import reach
from supportdesk.api.pagination import Order, page
from supportdesk.api.problems import Problem
from supportdesk.api.schema import ID, M, operation
from supportdesk.api.shapes.approvals import (
    ApprovalDetail,
    ApprovalPage,
    ApprovalQuery,
    ApproveIn,
    DecidedOut,
    EditedOut,
    EditIn,
    RejectIn,
    approval_detail,
    approval_out,
    call_out,
)
from supportdesk.api.views.base import ApiView

ORDERS = {"open": Order("open approvals", "pk", is_descending=False), "decided": Order("decided approvals", "pk")}


class Approvals(ApiView):
    """The collection."""

    subject = "approvals"

    @operation(
        "list_approvals",
        permission="approval.see",
        summary="List approvals",
        answers=ApprovalPage,
        parameters=[ApprovalQuery],
        problems=(400,),
    )
    def get(self, request: Request) -> Response:
        """Those that wait, longest first; or those that were decided, newest first."""
        asked = self.asked(ApprovalQuery)
        rows = reach.approvals(self.principal)
        rows = rows.open() if asked["status"] == "open" else rows.decided()
        if "ticket" in asked:
            rows = rows.filter(ticket__number=asked["ticket"])
        return Response(page(rows, ORDERS[asked["status"]], cursor=asked["cursor"], size=asked["page_size"], shown=approval_out))


class OneApproval(ApiView):
    """One of them."""

    subject = "approvals"

    @operation(
        "get_approval",
        permission="approval.see",
        summary="Get an approval with its evidence",
        answers=ApprovalDetail,
        parameters=[ID],
        problems=(404,),
    )
    def get(self, request: Request, id: int) -> Response:
        """Call, arguments, facts, the voices that asked, and the object as it was."""
        return Response(approval_detail(reach.approval(self.principal, id)))


class Decide(ApiView):
    """A teammate's decision."""

    subject = "approvals"

    def decided(self, id: int, decide: Callable[[Approval], Any], *, lets_run: bool = True, amount: object = None) -> Any:
        """Decide one approval in reach.

        Raises:
            Http404: for none.
            Problem: for a large one: only a person who proves again who they are lets it run, and a key cannot.
        """
        approval = reach.approval(self.principal, id)
        if lets_run and not approval.decision and is_large(approval.call, amount):
            raise Problem(403, "step_up_required", "This amount asks the teammate again who they are. Decide it in the console.")
        try:
            return decide(approval)
        except Approval.DoesNotExist:
            raise Http404 from None


def _decision(name: str, summary: str, takes: Any, answers: Any = DecidedOut, *, asks_outside: bool = False) -> Callable[[M], M]:
    return operation(
        name,
        permission="approval.decide",
        summary=summary,
        takes=takes,
        answers=answers,
        parameters=[ID],
        problems=(404,),
        as_teammate=True,
        asks_outside=asks_outside,
    )


class Approve(Decide):
    """Let it run."""

    @_decision("approve", "Approve a call", ApproveIn)
    def post(self, request: Request, id: int) -> Response:
        """Exactly as it was shown; the policy decides it once more before it runs. Whoever asked for it cannot approve it."""
        shown, by = self.taken(ApproveIn)["hash"], self.teammate
        call = self.decided(id, lambda found: approvals.approve(approval_id=found.pk, by=by, shown_hash=shown))
        return Response({"call": call_out(call)})


class Reject(Decide):
    """Decline it."""

    @_decision("reject", "Reject a call", RejectIn)
    def post(self, request: Request, id: int) -> Response:
        """The agent tells the customer, with the words of `say` if there are any."""
        sent, by = self.taken(RejectIn), self.teammate
        call = self.decided(
            id, lambda found: approvals.reject(approval_id=found.pk, by=by, reason=sent["reason"], say=sent["say"]), lets_run=False
        )
        return Response({"call": call_out(call)})


class Edit(Decide):
    """Put another call in its place."""

    @_decision("edit", "Change a call", EditIn, EditedOut, asks_outside=True)
    def post(self, request: Request, id: int) -> Response:
        """The changed call is decided anew. A smaller amount of the same runs; anything else asks the customer or another teammate."""
        sent, by = self.taken(EditIn), self.teammate
        done = self.decided(
            id,
            lambda found: approvals.edit(approval_id=found.pk, by=by, shown_hash=sent["hash"], arguments=sent["arguments"]),
            amount=sent["arguments"].get("amount"),
        )
        return Response({"call": call_out(done.call), "decision": done.decision.as_json(), "is_approved": done.is_approved})
