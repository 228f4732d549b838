"""Traces: why the agent did what it did."""

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from agents.runtime.models import Step
from supportdesk.api import reach
from supportdesk.api.pagination import Order, page
from supportdesk.api.schema import ID, NUMBER, operation
from supportdesk.api.shapes.traces import RunDetail, RunPage, RunQuery, run_out, step_out
from supportdesk.api.views.base import ApiView

BY_ID = Order("runs", "pk")


class Runs(ApiView):
    """The runs of one ticket."""

    subject = "traces"

    @operation(
        "list_runs",
        permission="trace.see",
        summary="List the agent's runs on a ticket",
        answers=RunPage,
        parameters=[NUMBER, RunQuery],
        problems=(400, 404),
    )
    def get(self, request: Request, number: int) -> Response:
        """Newest first."""
        asked = self.asked(RunQuery)
        rows = reach.runs(self.principal).filter(ticket=reach.ticket(self.principal, number))
        return Response(page(rows, BY_ID, cursor=asked["cursor"], size=asked["page_size"], shown=run_out))


class OneRun(ApiView):
    """One of them."""

    subject = "traces"

    @operation("get_run", permission="trace.see", summary="Get a run with its steps", answers=RunDetail, parameters=[ID], problems=(404,))
    def get(self, request: Request, id: int) -> Response:
        """Every model call, retrieval, verdict and check, in order."""
        run = reach.runs(self.principal).filter(pk=id).first()
        if run is None:
            raise Http404
        return Response({**run_out(run), "steps": [step_out(step) for step in Step.objects.filter(run=run).order_by("number")]})
