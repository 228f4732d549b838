"""The API's addresses. Without a trailing slash; what is not listed is a 404 problem, whatever the method."""

from django.urls import URLPattern, URLResolver, path, re_path, register_converter

from supportdesk.api.views import approvals, customers, documents, messages, tickets, traces


class Number:
    """A ticket's number."""

    regex = "[1-9][0-9]{0,8}"

    def to_python(self, value: str) -> int:
        """As an int."""
        return int(value)

    def to_url(self, value: int) -> str:
        """As digits."""
        return str(value)


class Id(Number):
    """The id of anything else, as large as the database has them."""

    regex = "[1-9][0-9]{0,17}"


register_converter(Number, "number")
register_converter(Id, "rowid")

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/openapi.json", documents.Document.as_view(), name="document"),
    path("v1/docs/", documents.page, name="docs"),
    path("v1/tickets", tickets.Tickets.as_view(), name="tickets"),
    path("v1/tickets/<number:number>", tickets.OneTicket.as_view(), name="ticket"),
    path("v1/tickets/<number:number>/take_over", tickets.TakeOver.as_view(), name="take_over"),
    path("v1/tickets/<number:number>/hand_back", tickets.HandBack.as_view(), name="hand_back"),
    path("v1/tickets/<number:number>/assign", tickets.Assign.as_view(), name="assign"),
    path("v1/tickets/<number:number>/resolve", tickets.Resolve.as_view(), name="resolve"),
    path("v1/tickets/<number:number>/reopen", tickets.Reopen.as_view(), name="reopen"),
    path("v1/tickets/<number:number>/messages", messages.Messages.as_view(), name="messages"),
    path("v1/tickets/<number:number>/replies", messages.Replies.as_view(), name="replies"),
    path("v1/tickets/<number:number>/notes", messages.Notes.as_view(), name="notes"),
    path("v1/tickets/<number:number>/codes", messages.Codes.as_view(), name="codes"),
    path("v1/tickets/<number:number>/proofs", messages.Proofs.as_view(), name="proofs"),
    path("v1/tickets/<number:number>/confirmations/<uuid:call>", messages.Confirmations.as_view(), name="confirmation"),
    path("v1/tickets/<number:number>/runs", traces.Runs.as_view(), name="runs"),
    path("v1/runs/<rowid:id>", traces.OneRun.as_view(), name="run"),
    path("v1/customers", customers.Customers.as_view(), name="customers"),
    path("v1/customers/<rowid:id>", customers.OneCustomer.as_view(), name="customer"),
    path("v1/approvals", approvals.Approvals.as_view(), name="approvals"),
    path("v1/approvals/<rowid:id>", approvals.OneApproval.as_view(), name="approval"),
    path("v1/approvals/<rowid:id>/approve", approvals.Approve.as_view(), name="approve"),
    path("v1/approvals/<rowid:id>/reject", approvals.Reject.as_view(), name="reject"),
    path("v1/approvals/<rowid:id>/edit", approvals.Edit.as_view(), name="edit"),
    # A line break may stand in an address too, and a dot does not match it.
    re_path(r"^(?P<path>[\s\S]*)$", documents.nothing_here, name="nothing_here"),
]
