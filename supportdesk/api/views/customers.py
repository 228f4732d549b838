"""Customers: who writes, and the addresses they write from."""

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from supportdesk.api import reach
from supportdesk.api.pagination import Order, page
from supportdesk.api.schema import ID, operation
from supportdesk.api.shapes.people import CustomerChange, CustomerIn, CustomerOut, CustomerPage, CustomerQuery, customer_out
from supportdesk.api.views.base import ApiView
from supportdesk.core.events import record
from supportdesk.core.masking import masked
from tickets.models import Customer
from tickets.receiving import claiming_customer

BY_ID = Order("customers", "pk")


class Customers(ApiView):
    """The collection."""

    subject = "customers"

    @operation(
        "list_customers",
        permission="customer.see",
        summary="List or search customers",
        answers=CustomerPage,
        parameters=[CustomerQuery],
        problems=(400,),
    )
    def get(self, request: Request) -> Response:
        """Newest first: those with a ticket the key reaches, and those who never wrote."""
        asked = self.asked(CustomerQuery)
        rows = reach.customers(self.principal)
        if asked["q"]:
            rows = reach.searched(rows, asked["q"])
        return Response(page(rows, BY_ID, cursor=asked["cursor"], size=asked["page_size"], shown=customer_out))

    @operation(
        "create_customer", permission="customer.edit", summary="Create a customer", takes=CustomerIn, answers=CustomerOut, status=201
    )
    def post(self, request: Request) -> Response:
        """The address is a claim: it opens nothing until the customer proves it."""
        sent = self.taken(CustomerIn)
        with transaction.atomic():
            customer = claiming_customer(name=sent["name"], email=sent.get("email", ""))
            Customer.objects.filter(pk=customer.pk).update(language=sent["language"])
            record("customer.added", by=self.principal.actor, customer=customer.pk)
        return Response(customer_out(reach.customer(self.principal, customer.pk)), status=201)


class OneCustomer(ApiView):
    """One of them."""

    subject = "customers"

    @operation("get_customer", permission="customer.see", summary="Get a customer", answers=CustomerOut, parameters=[ID], problems=(404,))
    def get(self, request: Request, id: int) -> Response:
        """With the addresses they write from."""
        return Response(customer_out(reach.customer(self.principal, id)))

    @operation(
        "change_customer",
        permission="customer.edit",
        summary="Change a customer's name or language",
        takes=CustomerChange,
        answers=CustomerOut,
        parameters=[ID],
        problems=(404,),
    )
    def patch(self, request: Request, id: int) -> Response:
        """Addresses change only by proof."""
        sent, customer = self.taken(CustomerChange), reach.customer(self.principal, id)
        with transaction.atomic():
            if sent:
                sent |= {"name": masked(sent["name"])[:120]} if "name" in sent else {}
                Customer.objects.filter(pk=customer.pk).update(**sent)
                record("customer.changed", by=self.principal.actor, changed={"fields": sorted(sent)}, customer=customer.pk)
        return Response(customer_out(reach.customer(self.principal, id)))
