"""An editor changes what the agent may do, in words, and publishes it."""

import pytest
from django.test import Client

from policies.models import Limit, Policy, PolicyVersion, Prompt, PromptVersion, Rule
from supportdesk.core.events import broken_links, stamp
from supportdesk.core.models import Event
from supportdesk.core.tenancy import acting_for
from tests.admin.conftest import Drafts
from tests.admin.pages import send, text, url
from tests.factories import World, make_rule

PUBLISH = {"policies_policy_publish_after_saving": "1"}


def test_an_editor_changes_a_rule_and_publishes(editor: Client, acme: World, drafts: Drafts):
    page = send(editor, url(Rule, "change", drafts.rule.pk), when="order.is_own is yes\nrefund.amount <= 100.00 EUR, 90.00 GBP")
    assert page.redirect_chain
    drafts.rule.refresh_from_db()
    assert drafts.rule.when == [
        {"fact": "order.is_own", "op": "==", "value": True},
        {"fact": "refund.amount", "op": "<=", "value": {"EUR": 10_000, "GBP": 9_000}},
    ]
    page = editor.post(url(Policy, "changelist"), {"action": "publish", "_selected_action": [drafts.policy.pk]}, follow=True)
    assert "Published as Shop policy v1." in text(page)
    with acting_for(acme.tenant):
        version = PolicyVersion.objects.get()
    assert (version.published_by, version.content["rules"][0]["when"]) == ("Erin Engel", drafts.rule.when)


def test_the_rule_reads_as_a_sentence_in_the_list_and_on_its_page(editor: Client, drafts: Drafts):
    words = "Refunds on the customer's own order are allowed."
    assert words in text(editor.get(url(Rule, "changelist")))
    page = text(editor.get(url(Rule, "change", drafts.rule.pk)))
    assert words in page
    assert "order.is_own == yes" in page
    assert "<code>order.days_since_delivery</code> (whole number): days since delivery" in page


def test_saving_and_publishing_is_one_button_and_takes_the_inline_rules_with_it(editor: Client, acme: World, drafts: Drafts):
    page = send(editor, url(Policy, "change", drafts.policy.pk), **{"rules-0-tools": "cancel_order, change_address"}, **PUBLISH)
    assert "Published as Shop policy v1." in text(page)
    with acting_for(acme.tenant):
        assert PolicyVersion.objects.get().content["rules"][0]["tools"] == ["cancel_order", "change_address"]
    page = send(editor, url(Policy, "change", drafts.policy.pk), **PUBLISH)
    assert "Shop policy v1 is what is published already" in text(page)


def test_a_policy_that_cannot_be_evaluated_is_not_published_and_says_which_rule(editor: Client, acme: World, drafts: Drafts):
    with acting_for(acme.tenant):
        make_rule(drafts.policy, "R-2", when=[{"fact": "order.colour", "op": "==", "value": "red"}])
    page = editor.post(url(Policy, "changelist"), {"action": "publish", "_selected_action": [drafts.policy.pk]}, follow=True)
    assert "Shop policy was not published. R-2: There is no fact “order.colour”." in text(page)
    with acting_for(acme.tenant):
        assert not PolicyVersion.objects.exists()
    assert "This cannot be evaluated" in text(editor.get(url(Rule, "changelist")))


def test_a_prompt_is_published_too(editor: Client, acme: World, drafts: Drafts):
    page = editor.post(url(Prompt, "changelist"), {"action": "publish", "_selected_action": [drafts.prompt.pk]}, follow=True)
    assert "Published as Voice v1." in text(page)
    with acting_for(acme.tenant):
        assert PromptVersion.objects.get().content == {"body": "You are Alder."}


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("when", "order.colour is red", "Line 1: There is no fact “order.colour”."),
        ("when", "order.is_own is yes\nrefund.amount <= 100", "Line 2: “100” names no currency. Write it like 100.00 EUR."),
        ("when", "order.status < paid", "“<” does not fit “order.status”"),
        ("when", "", None),
        ("condition", "order.is_own is yes", "A permit has no condition of its own"),
        ("tools", "", "This field is required."),
        ("code", "R-1", None),
    ],
)
def test_what_cannot_work_is_refused_beside_its_field(
    editor: Client, acme: World, drafts: Drafts, field: str, typed: str, said: str | None
):
    page = send(editor, url(Rule, "change", drafts.rule.pk), **{field: typed})
    if said is None:
        assert page.redirect_chain
    else:
        assert said in text(page)
        assert page.context["adminform"].form.errors.keys() == {field}


def test_limits_are_written_in_money(editor: Client, acme: World, drafts: Drafts):
    send(editor, url(Limit, "change", drafts.limit.pk), amount="250.50 EUR, 30000 JPY, 10.500 KWD", count="3")
    drafts.limit.refresh_from_db()
    assert (drafts.limit.amount, drafts.limit.count) == ({"EUR": 25_050, "JPY": 30_000, "KWD": 10_500}, 3)
    assert "At most €250.50 (JP¥30,000, KWD" in text(editor.get(url(Limit, "changelist")))
    page = send(editor, url(Limit, "change", drafts.limit.pk), amount="1.5 JPY")
    assert "JPY has 0 decimals; “1.5” has more." in text(page)


def test_a_new_rule_belongs_to_the_workspace(editor: Client, acme: World, drafts: Drafts):
    page = send(
        editor,
        url(Rule, "add"),
        policy=drafts.policy.pk,
        code="R-2",
        kind="require",
        title="Identity first",
        tools="create_refund",
        condition="identity.level is proven",
        otherwise="need_identity",
    )
    assert page.redirect_chain, page.context["errors"]
    with acting_for(acme.tenant):
        assert Rule.objects.get(code="R-2").condition == [{"fact": "identity.level", "op": "==", "value": "proven"}]


def test_a_code_or_key_that_is_taken_is_refused_in_plain_words(editor: Client, acme: World, drafts: Drafts):
    page = send(
        editor, url(Rule, "add"), policy=drafts.policy.pk, code="R-1", kind="permit", title="Twin", tools="create_refund", otherwise="ask"
    )
    assert "There is one of this name already. Choose another." in text(page)
    page = send(editor, url(Prompt, "add"), key="voice", name="Twin", body="…")
    assert "There is one of this name already. Choose another." in text(page)


def test_each_change_is_an_event_with_names_of_fields_and_no_content(editor: Client, acme: World, drafts: Drafts):
    send(editor, url(Prompt, "change", drafts.prompt.pk), body="You are Alder. Be brief.")
    send(editor, url(Policy, "change", drafts.policy.pk), **{"rules-0-title": "Other words", "name": "Renamed"})
    told = [
        (event.code, event.actor_kind, event.changed)
        for event in Event.objects.filter(tenant=acme.tenant, actor_kind="teammate").exclude(code="session.started").order_by("id")
    ]
    assert told == [
        ("prompt.changed", "teammate", {"fields": ["body"]}),
        ("policy.changed", "teammate", {"fields": ["name"], "rows": [f"changed rule {drafts.rule.pk}"]}),
    ]
    stamp()
    assert broken_links(acme.tenant) == []


def test_looking_and_sending_unchanged_changes_nothing(editor: Client, drafts: Drafts):
    before = (drafts.rule.as_json(), drafts.limit.as_json())
    send(editor, url(Policy, "change", drafts.policy.pk))
    send(editor, url(Rule, "change", drafts.rule.pk))
    send(editor, url(Limit, "change", drafts.limit.pk))
    drafts.rule.refresh_from_db()
    drafts.limit.refresh_from_db()
    assert (drafts.rule.as_json(), drafts.limit.as_json()) == before
