"""History shows who changed what, gives a way back, and ends at the workspace's walls."""

import pytest
from django.test import Client

from policies.models import Limit, Prompt, Rule
from tests.admin.conftest import Drafts, SignIn, make_drafts
from tests.admin.pages import send, text, url
from tests.factories import World


def test_history_shows_who_and_what_in_words(editor: Client, acme: World, drafts: Drafts):
    send(editor, url(Rule, "change", drafts.rule.pk), when="refund.amount <= 80.00 EUR", kind="permit", is_active=None)
    page = text(editor.get(url(Rule, "history", drafts.rule.pk)))
    assert "Erin Engel" in page
    assert "order.is_own == yes" in page
    assert "refund.amount <= 80.00 EUR" in page
    assert "Is active" in page
    send(editor, url(Limit, "change", drafts.limit.pk), amount="300.00 EUR")
    page = text(editor.get(url(Limit, "history", drafts.limit.pk)))
    assert "200.00 EUR" in page
    assert "300.00 EUR" in page


def test_an_editor_goes_back_to_an_older_state(editor: Client, drafts: Drafts):
    send(editor, url(Prompt, "change", drafts.prompt.pk), body="Worse words.")
    first = drafts.prompt.history.earliest("history_date")
    page = send(editor, url(Prompt, "simple_history", drafts.prompt.pk, first.history_id))
    assert page.redirect_chain
    drafts.prompt.refresh_from_db()
    assert drafts.prompt.body == "You are Alder."
    assert [str(each.history_user) for each in drafts.prompt.history.all()[:2]] == ["Erin Engel", "Erin Engel"]


def test_somebody_who_may_only_look_cannot_go_back(editor: Client, responder: Client, drafts: Drafts):
    send(editor, url(Prompt, "change", drafts.prompt.pk), body="Better words.")
    first = drafts.prompt.history.earliest("history_date")
    address = url(Prompt, "simple_history", drafts.prompt.pk, first.history_id)
    assert responder.get(address).status_code == 200
    assert responder.post(address, {}).status_code == 403
    drafts.prompt.refresh_from_db()
    assert drafts.prompt.body == "Better words."


def test_the_history_of_another_workspace_is_not_found(editor: Client, acme: World, globex: World, sign_in: SignIn):
    theirs = make_drafts(globex)
    for row in (theirs.rule, theirs.limit, theirs.prompt, theirs.policy):
        old = row.history.first()
        assert editor.get(url(type(row), "history", row.pk)).status_code == 404
        for method in (editor.get, editor.post):
            assert method(url(type(row), "simple_history", row.pk, old.history_id)).status_code == 404


def test_an_old_state_is_not_found_under_another_rows_address(editor: Client, acme: World, globex: World, drafts: Drafts):
    theirs = make_drafts(globex).prompt.history.first()
    assert editor.post(url(Prompt, "simple_history", drafts.prompt.pk, theirs.history_id)).status_code == 404


@pytest.mark.parametrize("address", ["abc/history/", "999999/history/", "abc/history/1/", "1/history/abc/"])
def test_addresses_that_are_none_are_not_found(editor: Client, drafts: Drafts, address: str):
    assert editor.get(f"/admin/policies/prompt/{address}").status_code == 404
