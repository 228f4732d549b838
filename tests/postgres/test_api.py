"""The API behind row-level security: the walls' own tests once more, and one Idempotency-Key in a race."""

from functools import partial
from typing import Any

from supportdesk.core.models import Event, IdempotentRequest
from supportdesk.core.tenancy import acting_for
from tests.api.conftest import alice, rows, shop  # noqa: F401
from tests.api.test_walls import (  # noqa: F401
    test_a_foreign_call_on_an_own_ticket_is_told_like_one_that_is_not_there,
    test_a_foreign_row_in_a_body_is_refused_like_one_that_is_not_there,
    test_a_foreign_row_is_told_like_one_that_is_not_there,
    test_foreign_ids_in_query_strings_find_nothing,
    test_what_acme_reads_does_not_change_when_globex_grows,
    theirs,
)
from tests.api.worlds import Caller, Rows, furnish, new_key
from tests.factories import World
from tests.postgres.threads import together
from tickets.models import Customer, Message


def test_of_equal_requests_at_once_one_has_an_effect_and_the_others_say_so(acme: World):
    key = new_key(acme)

    def send() -> Any:
        return Caller(key).post("customers", {"name": "Ida"}, once="k1")

    answers = together(*[send] * 8)
    statuses = [answer.status_code for answer in answers]
    assert 201 in statuses
    assert set(statuses) <= {201, 409}, [answer.content for answer in answers]
    with acting_for(acme.tenant):
        assert (Customer.objects.count(), IdempotentRequest.objects.count()) == (1, 1)
    assert Event.objects.filter(code="customer.added").count() == 1


def test_one_external_id_delivered_at_once_is_one_ticket(acme: World):
    key, body = new_key(acme), {"customer": {"name": "Ida"}, "body": "Hello", "external_id": "form-7"}
    Caller(key).post("tickets", {**body, "external_id": "the channel exists"})
    answers = together(*[partial(Caller(key).post, "tickets", body)] * 6)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["number"] for answer in answers}) == 1
    with acting_for(acme.tenant):
        assert Message.objects.filter(external_id="relayed:form-7").count() == 1


def test_the_first_messages_of_a_workspace_make_one_channel(acme: World):
    key, body = new_key(acme), {"customer": {"name": "Ida"}, "body": "Hello"}
    answers = together(*[partial(Caller(key).post, "tickets", body)] * 6)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["number"] for answer in answers}) == 6


def test_teammates_deciding_at_once_decide_once(acme: World):
    found: Rows = furnish(acme)
    callers = [Caller(new_key(acme, member=acme.owner)) for _ in range(2)]
    path = f"approvals/{found.approval.pk}/reject"
    answers = together(*[partial(caller.post, path, {"reason": "No"}) for caller in callers])
    assert [answer.status_code for answer in answers] == [200, 200]
    assert Event.objects.filter(code="approval.rejected").count() == 1
