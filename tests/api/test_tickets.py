"""Tickets and messages through the API, as an integrator's program meets them."""

from typing import Any

from agents.actions.models import Confirmation
from supportdesk.core.models import Event, Job, Membership, Role
from supportdesk.core.tenancy import acting_for
from tests.api.worlds import Caller, Rows, new_key, opened
from tests.factories import World, make_member, make_ticket
from tickets.identity import OneTimeCode, _hashed
from tickets.models import Channel, CustomerIdentity, Message, Queue, Ticket

IDA = {"customer": {"email": "Ida@Mail.example", "name": "Ida"}, "body": "My chair arrived broken."}


def test_a_program_opens_a_ticket_in_a_customers_words_and_the_agent_is_asked_to_answer(acme: World, shop: Caller):
    answer = shop.post("tickets", {**IDA, "subject": "Chair"})
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["subject"], told["handler"], told["channel"], told["identity"]) == ("Chair", "ai", "api", "claimed")
    assert shop.get(f"tickets/{told['number']}").json() == told
    assert Job.objects.filter(tenant=acme.tenant, name="runtime.start_run").count() == 1
    said = shop.get(f"tickets/{told['number']}/messages").json()["items"]
    assert [(each["author"], each["author_name"], each["body"]) for each in said] == [("customer", "Ida", IDA["body"])]
    assert set(Event.objects.filter(actor_kind="service").values_list("code", flat=True)) == {"key.made", "message.relayed"} - {"key.made"}


def test_one_external_id_is_one_ticket(acme: World, shop: Caller):
    first, second = [shop.post("tickets", {**IDA, "external_id": "form-7"}).json() for _ in range(2)]
    assert first == second
    with acting_for(acme.tenant):
        assert (Ticket.objects.count(), Message.objects.count()) == (1, 1)
    once, again = [shop.post(f"tickets/{first['number']}/messages", {"body": "Hello?", "external_id": "m2"}).json() for _ in range(2)]
    assert once["seq"] == again["seq"] == 2


def test_an_address_is_a_claim_until_somebody_may_vouch_for_it(acme: World, shop: Caller):
    humble = Caller(new_key(acme, "message.receive", "ticket.see"))
    assert humble.post("tickets", {**IDA, "vouch": True}).status_code == 403
    first = shop.post("tickets", {**IDA, "vouch": True}).json()
    assert first["identity"] == "proven"
    second = shop.post("tickets", {**IDA, "vouch": True}).json()
    # Proven on both: one customer, not two.
    assert second["customer"]["id"] == first["customer"]["id"]
    third = shop.post("tickets", IDA).json()
    assert (third["identity"], third["customer"]["id"] != first["customer"]["id"]) == ("claimed", True)
    with acting_for(acme.tenant):
        assert CustomerIdentity.objects.filter(value="ida@mail.example", is_verified=True).count() == 1
    proofs = Event.objects.filter(code="identity.proven")
    assert {event.actor_kind for event in proofs} == {"service"}
    news = shop.get(f"tickets/{first['number']}/messages").json()["items"][0]["news"]
    assert (news["code"], news["details"]["method"]) == ("proven", "vouched")


def test_a_vouch_on_a_later_message_proves_the_claimed_address(shop: Caller):
    number = shop.post("tickets", IDA).json()["number"]
    assert shop.post(f"tickets/{number}/messages", {"body": "It is me.", "vouch": True}).status_code == 201
    assert shop.get(f"tickets/{number}").json()["identity"] == "proven"
    nameless = shop.post("tickets", {"customer": {}, "body": "Hello"}).json()["number"]
    refused = shop.post(f"tickets/{nameless}/messages", {"body": "It is me.", "vouch": True})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/vouch")


def test_nobody_speaks_for_the_customer_of_another_channel(acme: World, shop: Caller):
    with acting_for(acme.tenant):
        number = make_ticket(acme).number
    for path, body in (("messages", {"body": "hi"}), ("codes", {"email": "x@mail.example"}), ("proofs", {"digits": "123456"})):
        assert shop.post(f"tickets/{number}/{path}", body).status_code == 409
    with acting_for(acme.tenant):
        assert Message.objects.count() == 1


def test_a_test_key_and_a_live_key_live_in_different_worlds(acme: World, shop: Caller):
    rehearsal = Caller(new_key(acme, environment="test"))
    live, test = shop.post("tickets", IDA).json(), rehearsal.post("tickets", IDA).json()
    assert (live["environment"], test["environment"]) == ("live", "test")
    assert shop.get(f"tickets/{test['number']}").status_code == rehearsal.get(f"tickets/{live['number']}").status_code == 404
    assert [each["number"] for each in rehearsal.get("tickets").json()["items"]] == [test["number"]]
    assert rehearsal.get(f"customers/{live['customer']['id']}").status_code == 404
    with acting_for(acme.tenant):
        assert Channel.objects.filter(kind="api").count() == 2


def test_a_teammates_key_sees_what_the_teammate_sees(acme: World, rows: Rows):
    bob = make_member(acme.tenant, Role.RESPONDER, name="Bob Berg")
    by_bob = Caller(new_key(acme, member=bob))
    number = rows.ticket.number
    assert by_bob.get("tickets").json()["items"] == []
    paths = (f"tickets/{number}", f"tickets/{number}/messages", f"runs/{rows.run.pk}", f"approvals/{rows.approval.pk}")
    assert {by_bob.get(path).status_code for path in (*paths, f"customers/{rows.customer.pk}")} == {404}
    with acting_for(acme.tenant):
        Ticket.objects.filter(pk=rows.ticket.pk).update(assignee=bob)
    assert {by_bob.get(path).status_code for path in (*paths, f"customers/{rows.customer.pk}")} == {200}


def test_a_key_is_never_more_than_its_teammates_role(acme: World, rows: Rows):
    viewer = make_member(acme.tenant, Role.VIEWER, name="Vera Voss")
    with acting_for(acme.tenant):
        Ticket.objects.filter(pk=rows.ticket.pk).update(assignee=viewer)
    by_vera = Caller(new_key(acme, member=viewer))
    assert by_vera.get(f"tickets/{rows.ticket.number}").status_code == 200
    assert by_vera.post(f"tickets/{rows.ticket.number}/take_over").status_code == 403
    Membership.objects.filter(pk=viewer.pk).update(is_active=False)
    assert by_vera.get("tickets").status_code == 401


def test_a_teammate_works_a_ticket_from_takeover_to_reopening(acme: World, alice: Caller, rows: Rows):
    path = f"tickets/{rows.ticket.number}"
    assert alice.post(f"{path}/replies", {"body": "Hello"}).json()["code"] == "not_yours"
    assert alice.post(f"{path}/take_over").json()["assignee"] == {"id": acme.owner.pk, "name": acme.owner.name}
    assert alice.post(f"{path}/replies", {"body": "Hello Ida"}).json()["author_name"] == acme.owner.name
    assert alice.post(f"{path}/notes", {"body": "She called too"}).json()["is_private"]
    assert alice.post(f"{path}/hand_back", {"note": "Over to you"}).json()["handler"] == "ai"
    assert alice.post(f"{path}/assign", {"assignee": acme.owner.pk}).json()["assignee"]["id"] == acme.owner.pk
    assert alice.post(f"{path}/resolve").json()["status"] == "resolved"
    assert alice.post(f"{path}/reopen").json()["handler"] == "human"


def test_private_notes_are_for_teammates_keys_alone(alice: Caller, shop: Caller, rows: Rows):
    path = f"tickets/{rows.ticket.number}"
    alice.post(f"{path}/notes", {"body": "secret"})
    assert "note" in {each["kind"] for each in alice.get(f"{path}/messages").json()["items"]}
    assert "note" not in {each["kind"] for each in shop.get(f"{path}/messages").json()["items"]}


def test_a_ticket_is_moved_whole_or_not_at_all(acme: World, alice: Caller, shop: Caller, rows: Rows):
    with acting_for(acme.tenant):
        Queue.objects.create(key="returns", name="Returns", position=2)
    path = f"tickets/{rows.ticket.number}"
    moved = shop.patch(path, {"queue": "returns", "priority": 4}).json()
    assert (moved["queue"]["key"], moved["priority"]) == ("returns", 4)
    assert shop.patch(path, {"queue": "general", "assignee": acme.owner.pk}).status_code == 403
    assert alice.patch(path, {"queue": "general", "assignee": 999}).json()["errors"][0]["pointer"] == "/assignee"
    assert shop.get(path).json()["queue"]["key"] == "returns"
    assert alice.patch(path, {"assignee": acme.owner.pk}).json()["assignee"]["id"] == acme.owner.pk
    assert alice.patch(path, {"assignee": None}).json()["assignee"] is None
    assert alice.patch(path, {}).status_code == 200


def test_the_customers_yes_is_given_once_and_only_to_what_was_shown(acme: World, shop: Caller, rows: Rows):
    number = rows.ticket.number
    cards = [each["confirmation"] for each in shop.get(f"tickets/{number}/messages").json()["items"] if each["confirmation"]]
    assert [(card["call"], card["answer"], card["facts"]) for card in cards] == [
        (str(rows.call.pk), "open", [{"label": "Order", "value": "N-50"}])
    ]
    path = f"tickets/{number}/confirmations/{rows.call.pk}"
    assert shop.post(path, {"hash": "0" * 64, "yes": True}).json()["code"] == "void"
    assert shop.post(path, {"hash": cards[0]["hash"], "yes": True}).json() == {"call": str(rows.call.pk), "state": "approved"}
    assert shop.post(path, {"hash": cards[0]["hash"], "yes": True}).json()["code"] == "already_answered"
    with acting_for(acme.tenant):
        assert Confirmation.objects.get(call=rows.call).answer == "yes"


def test_a_code_proves_who_writes_and_wrong_tries_count_even_under_an_idempotency_key(acme: World, shop: Caller, rows: Rows):
    path = f"tickets/{rows.ticket.number}"
    assert shop.post(f"{path}/codes", {"email": "ida@mail.example"}).json()["email_hint"] == "i•••@mail.example"
    with acting_for(acme.tenant):
        code = OneTimeCode.objects.get()
        OneTimeCode.objects.filter(pk=code.pk).update(code_hash=_hashed(code, "123456"))
    wrong = shop.post(f"{path}/proofs", {"digits": "000000"}, once="try-1")
    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_code")
    with acting_for(acme.tenant):
        assert OneTimeCode.objects.get().tries == 1
    assert shop.post(f"{path}/proofs", {"digits": "123 456"}).status_code == 201
    assert shop.get(path).json()["identity"] == "proven"


def test_lists_narrow_and_sort(acme: World, shop: Caller, alice: Caller):
    with acting_for(acme.tenant):
        first, second = opened(acme, "one"), opened(acme, "two")
    alice.post(f"tickets/{first.number}/take_over")

    def numbers(query: str) -> list[int]:
        return [each["number"] for each in shop.get(f"tickets?{query}").json()["items"]]

    assert numbers("handler=human") == numbers(f"assignee={acme.owner.pk}") == numbers(f"customer={first.customer_id}") == [first.number]
    assert numbers("order=number") == [first.number, second.number]
    assert numbers("order=activity") == [first.number, second.number]
    assert numbers("status=resolved") == numbers("queue=other") == []


def test_customers_are_made_found_and_renamed_but_not_proven(shop: Caller):
    made = shop.post("customers", {"name": "Ida Ek", "email": "ida@mail.example", "language": "sv"}).json()
    assert made["identities"] == [{"kind": "email", "value": "ida@mail.example", "is_verified": False, "verified_at": None}]
    assert [each["id"] for each in shop.get("customers?q=ida@").json()["items"]] == [made["id"]]
    assert shop.get("customers?q=nobody").json()["items"] == []
    changed: dict[str, Any] = shop.patch(f"customers/{made['id']}", {"name": "Ida Ekman"}).json()
    assert changed == {**made, "name": "Ida Ekman"}
    assert shop.patch(f"customers/{made['id']}", {"email": "other@mail.example"}).status_code == 400


def test_a_run_tells_its_steps(shop: Caller, rows: Rows):
    listed = shop.get(f"tickets/{rows.ticket.number}/runs").json()["items"]
    run = shop.get(f"runs/{rows.run.pk}").json()
    assert [each["id"] for each in listed] == [run["id"]]
    assert [(step["number"], step["name"], step["output"]) for step in run["steps"]] == [(1, "reply", {"kind": "text"})]
