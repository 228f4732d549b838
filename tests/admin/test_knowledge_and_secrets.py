"""Articles ask for the index once; a connector's token goes in and never comes out."""

from django.test import Client

from agents.actions.models import Connector
from agents.knowledge.models import Article
from supportdesk.core.models import Event, Job, Role
from supportdesk.core.tenancy import acting_for
from tests.admin.conftest import SignIn
from tests.admin.pages import send, text, url
from tests.factories import World, make_member

SECRET = "shpat-4711-very-secret"


def make_article(world: World, **fields: str) -> Article:
    with acting_for(world.tenant):
        article: Article = Article.objects.create(
            brand=world.brand, slug="returns", language="en", collection="Returns", title="Returns", body="60 days.", **fields
        )
    return article


def index_jobs() -> int:
    return Job.objects.filter(name="knowledge.index", state=Job.State.QUEUED).count()


def test_saving_published_articles_asks_for_the_index_once(editor: Client, acme: World):
    article = make_article(acme, status="published")
    for body in ("61 days.", "62 days."):
        send(editor, url(Article, "change", article.pk), body=body)
    assert index_jobs() == 1


def test_a_draft_does_not_ask_for_the_index_and_taking_an_article_back_does(editor: Client, acme: World):
    article = make_article(acme)
    send(editor, url(Article, "change", article.pk), body="61 days.")
    assert index_jobs() == 0
    send(editor, url(Article, "change", article.pk), status="published")
    assert index_jobs() == 1
    Job.objects.all().delete()
    send(editor, url(Article, "change", article.pk), status="draft")
    assert index_jobs() == 1


def test_deleting_an_article_asks_for_the_index(editor: Client, acme: World):
    article = make_article(acme, status="published")
    editor.post(url(Article, "delete", article.pk), {"post": "yes"})
    assert index_jobs() == 1


def test_a_token_is_stored_sealed_and_shown_to_nobody(owner: Client, acme: World):
    page = send(owner, url(Connector, "add"), key="shop", name="Shop", base_url="https://93.184.215.14", new_token=SECRET, is_active="on")
    assert page.redirect_chain, page.context["errors"]
    with acting_for(acme.tenant):
        connector = Connector.objects.get()
        assert SECRET not in connector.sealed_token.ciphertext
        assert connector.token() == SECRET
    for what in ("change", "changelist", "history", "delete"):
        answer = owner.get(url(Connector, what, *([] if what == "changelist" else [connector.pk])))
        assert SECRET not in text(answer)
        assert connector.sealed_token.ciphertext not in text(answer)
    assert SECRET not in str(list(Event.objects.values_list("changed", "subject")))


def test_saving_without_a_new_token_keeps_the_old_one(owner: Client, acme: World):
    with acting_for(acme.tenant):
        connector = Connector.objects.create(key="shop", name="Shop", base_url="https://93.184.215.14")
        connector.set_token(SECRET)
    send(owner, url(Connector, "change", connector.pk), name="Renamed")
    with acting_for(acme.tenant):
        connector.refresh_from_db()
        assert (connector.name, connector.token()) == ("Renamed", SECRET)


def test_an_address_inside_the_network_is_refused_when_saved(owner: Client, acme: World):
    for address in ("http://169.254.169.254", "http://127.0.0.1:1", "https://user:pw@93.184.215.14", "file:///etc/passwd"):
        page = send(owner, url(Connector, "add"), key="shop", name="Shop", base_url=address)
        assert page.context["adminform"].form.errors.keys() == {"base_url"}, address


def test_a_policy_editor_does_not_reach_connectors(acme: World, sign_in: SignIn):
    client = sign_in(make_member(acme.tenant, Role.POLICY_EDITOR, name="Erin Engel"))
    assert client.get(url(Connector, "changelist")).status_code == 403
