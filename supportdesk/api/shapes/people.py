"""Customers and their addresses; teammates and queues as other answers mention them."""

from typing import Any

from rest_framework import serializers

from supportdesk.api.fields import Address, Input, Paged, Text, answer_page
from supportdesk.core.models import Membership
from tickets.models import Customer, CustomerIdentity

LANGUAGE = r"^([a-z]{2,3}(-[A-Za-z0-9]{2,4})?)?$"


class QueueRef(serializers.Serializer[Any]):
    """A queue."""

    key = serializers.CharField()
    name = serializers.CharField()


class PersonRef(serializers.Serializer[Any]):
    """A customer or a teammate, by id and name."""

    id = serializers.IntegerField()
    name = serializers.CharField(help_text="Empty while a customer gave none.", allow_blank=True)


class IdentityOut(serializers.Serializer[Any]):
    """An address a customer writes from. Only a verified one was proven."""

    kind = serializers.ChoiceField(choices=CustomerIdentity.Kind.choices)
    value = serializers.CharField()
    is_verified = serializers.BooleanField()
    verified_at = serializers.DateTimeField(allow_null=True)


class CustomerOut(serializers.Serializer[Any]):
    """Somebody who writes."""

    id = serializers.IntegerField()
    name = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    company = serializers.CharField(allow_null=True, help_text="Their organisation's name.")
    identities = IdentityOut(many=True)
    created_at = serializers.DateTimeField()


CustomerPage = answer_page("CustomerPage", CustomerOut)


class CustomerQuery(Paged):
    """Which customers."""

    q = Text(required=False, default="", max_length=80, help_text="Words of the name or the address.")


class CustomerIn(Input):
    """A new customer. The address is a claim until it is proven."""

    name = Text(required=False, default="", max_length=120, allow_blank=True)
    email = Address(required=False, max_length=200)
    language = serializers.RegexField(LANGUAGE, required=False, default="", max_length=8, allow_blank=True)


class CustomerChange(Input):
    """What to change; what is left out stays."""

    name = Text(required=False, max_length=120, allow_blank=True)
    language = serializers.RegexField(LANGUAGE, required=False, max_length=8, allow_blank=True)


def customer_out(customer: Customer) -> dict[str, Any]:
    """A customer as answers tell them."""
    return {
        "id": customer.pk,
        "name": customer.name,
        "language": customer.language,
        "company": customer.company.name if customer.company else None,
        "identities": [
            {"kind": each.kind, "value": each.value, "is_verified": each.is_verified, "verified_at": each.verified_at}
            for each in sorted(customer.identities.all(), key=lambda identity: identity.pk)
        ],
        "created_at": customer.created_at,
    }


def teammate_ref(member: Membership | None) -> dict[str, Any] | None:
    """A teammate by id and name."""
    return {"id": member.pk, "name": member.name} if member else None
