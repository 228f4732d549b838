"""The help centre shows what is published for customers, in the language of its address."""

import re
from typing import Any

import pytest
from django.test import Client

from agents.knowledge.models import Article
from supportdesk.core.tenancy import acting_for
from tests.factories import World
from tickets.models import Channel

HOME = "/help/acme/main/en/"


def write(world: World, slug: str, title: str = "", **fields: Any) -> Article:
    """A published, public English article, unless `fields` say otherwise."""
    defaults = {
        "language": "en",
        "collection": "Returns",
        "body": "Some words.",
        "status": Article.Status.PUBLISHED,
        "audience": Article.Audience.PUBLIC,
    }
    with acting_for(world.tenant):
        article: Article = Article.objects.create(brand=world.brand, slug=slug, title=title or slug.title(), **{**defaults, **fields})
    return article


HIDDEN: list[dict[str, Any]] = [
    {"status": Article.Status.DRAFT},
    {"audience": Article.Audience.INTERNAL},
    {"status": Article.Status.DRAFT, "audience": Article.Audience.INTERNAL},
]


@pytest.mark.parametrize("fields", HIDDEN)
def test_drafts_and_internal_articles_are_nowhere(fields: dict[str, Any], acme: World, client: Client) -> None:
    write(acme, "open")
    write(acme, "canary", "CANARY plans", body="CANARY body open", summary="CANARY", **fields)
    assert client.get(f"{HOME}canary/").status_code == 404
    for query in ({}, {"q": "canary open"}, {"in": "Returns"}):
        page = client.get(HOME, query).content.decode()
        assert "CANARY" not in page
    assert "CANARY" not in client.get(f"{HOME}open/").content.decode()


def test_an_article_of_another_shop_is_not_found(acme: World, globex: World, client: Client) -> None:
    write(globex, "theirs")
    write(acme, "ours")
    assert client.get(f"{HOME}theirs/").status_code == 404
    assert client.get("/help/globex/main/en/ours/").status_code == 404
    assert "Theirs" not in client.get(HOME, {"q": "words"}).content.decode()


@pytest.mark.parametrize("path", ["/help/acme/other/en/", "/help/nobody/main/en/", "/help/acme/main/xx/", "/help/acme/main/xx/ours/"])
def test_an_address_that_is_none_is_not_found(path: str, acme: World, client: Client) -> None:
    write(acme, "ours")
    assert client.get(path).status_code == 404


def test_the_home_lists_collections_with_their_first_articles(acme: World, client: Client) -> None:
    for number in range(6):
        write(acme, f"return-{number}")
    write(acme, "delivery", collection="Shipping & more")
    page = client.get(HOME).content.decode()
    assert page.index("Returns") < page.index("Shipping &amp; more")
    assert "All 6 articles" in page
    assert len(re.findall(r"/return-\d/", page)) == 4
    whole = client.get(HOME, {"in": "Returns"}).content.decode()
    assert len(re.findall(r"/return-\d/", whole)) == 6
    assert client.get(HOME, {"in": "Nothing"}).status_code == 404


def test_an_article_shows_headings_lists_links_and_tables(acme: World, client: Client) -> None:
    body = "Intro.\n\n## First *part*\n\n- one\n- two\n\n[Mail](mailto:a@b.example)\n\n## Second\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    write(acme, "long", "A long one", body=body)
    page = client.get(f"{HOME}long/").content.decode()
    assert '<h2 id="part-1">First part</h2>' in page
    assert '<a href="#part-2">Second</a>' in page
    assert "<li>one</li>" in page
    assert 'href="mailto:a@b.example"' in page
    assert "<td>2</td>" in page


def test_an_article_cannot_run_anything(acme: World, client: Client) -> None:
    body = "<script>alert(1)</script>\n\n## <img src=x onerror=alert(1)>\n\n[x](javascript:alert(1)) <b onclick=x>hi</b>"
    write(acme, "bad", "<script>alert(2)</script>", body=body)
    page = client.get(f"{HOME}bad/").content.decode()
    assert "<script" not in page
    assert "<img" not in page
    assert "<b onclick" not in page
    assert 'href="javascript' not in page


def test_a_heading_inside_code_is_no_heading(acme: World, client: Client) -> None:
    write(acme, "code", body="```\n## not one\n```\n\n## one\n\ntext")
    page = client.get(f"{HOME}code/").content.decode()
    assert "not one</h2>" not in page
    assert "one</h2>" in page


def test_an_article_leads_to_its_other_languages_and_neighbours(acme: World, client: Client) -> None:
    write(acme, "label", "Labels")
    write(acme, "label", "Etiketten", language="de")
    write(acme, "refund", "Refunds")
    write(acme, "draft", "CANARY", status=Article.Status.DRAFT)
    write(acme, "cookies", "Cookies", collection="Privacy")
    page = client.get(f"{HOME}label/").content.decode()
    assert 'href="/help/acme/main/de/label/"' in page
    assert 'href="/help/acme/main/en/refund/"' in page
    assert "Cookies" not in page
    assert "CANARY" not in page
    german = client.get("/help/acme/main/de/label/").content.decode()
    assert '<html lang="de" dir="ltr">' in german
    assert "Etiketten" in german


def test_a_language_without_articles_offers_the_others(acme: World, client: Client) -> None:
    write(acme, "ours")
    acme.brand.languages = ["en", "ar"]
    with acting_for(acme.tenant):
        acme.brand.save(update_fields=["languages"])
    page = client.get("/help/acme/main/ar/").content.decode()
    assert '<html lang="ar" dir="rtl">' in page
    assert 'href="/help/acme/main/en/"' in page


def test_every_page_leads_to_the_chat_while_there_is_one(acme: World, client: Client) -> None:
    write(acme, "ours")
    for path in (HOME, f"{HOME}ours/"):
        assert 'href="/chat/acme/web/"' in client.get(path).content.decode()
    with acting_for(acme.tenant):
        Channel.objects.update(is_active=False)
    for path in (HOME, f"{HOME}ours/"):
        assert "/chat/" not in client.get(path).content.decode()


def found(client: Client, query: str, home: str = HOME) -> list[str]:
    return re.findall(r'<li><a href="[^"]*/([a-z-]+)/">', client.get(home, {"q": query}).content.decode())


def test_search_puts_titles_before_summaries_before_bodies(acme: World, client: Client) -> None:
    write(acme, "in-body", "One", body="About parcels.")
    write(acme, "in-title", "Two parcels")
    write(acme, "in-summary", "Three", summary="Your parcel")
    assert found(client, "parcel") == ["in-title", "in-summary", "in-body"]


def test_search_finds_inflections_and_ignores_the_words_of_a_question(acme: World, client: Client) -> None:
    write(acme, "delivery", "Delivery times")
    write(acme, "other", "How and what", body="when can you")
    assert found(client, "When will it be delivered?") == ["delivery"]


def test_search_drops_what_holds_a_word_in_passing(acme: World, client: Client) -> None:
    write(acme, "pole", "A broken pole", body="Broken poles.")
    write(acme, "passing", "Refunds", body="Something broken.")
    assert found(client, "broken pole") == ["pole"]


def test_search_stays_in_its_language(acme: World, client: Client) -> None:
    write(acme, "boot-sizes", "Größen der Stiefel", language="de")
    write(acme, "sizes", "Stiefel sizes")
    assert found(client, "GRÖSSEN stiefel", "/help/acme/main/de/") == ["boot-sizes"]
    assert found(client, "größen", "/help/acme/main/de/") == ["boot-sizes"]


@pytest.mark.parametrize(
    "query", ["%", "_", "'; DROP TABLE x; --", "\\", "<script>alert(1)</script>", "a" * 5000, "ß" * 300, "()[]{}*+?", "   "]
)
def test_search_survives_anything(query: str, acme: World, client: Client) -> None:
    write(acme, "ours")
    response = client.get(HOME, {"q": query})
    assert response.status_code == 200
    assert "<script" not in response.content.decode()


def test_a_search_without_result_says_so_and_offers_the_chat(acme: World, client: Client) -> None:
    write(acme, "ours")
    page = client.get(HOME, {"q": "zebra"}).content.decode()
    assert "Nothing found for “zebra”" in page
    assert "Start a chat" in page


def test_more_articles_cost_no_more_queries(acme: World, client: Client, django_assert_num_queries: Any) -> None:
    def counts() -> list[int]:
        seen = []
        for path in (HOME, f"{HOME}?q=words", f"{HOME}?in=Returns", f"{HOME}article-0/"):
            with django_assert_num_queries(50, exact=False) as captured:
                assert client.get(path).status_code == 200
            seen.append(len(captured))
        return seen

    write(acme, "article-0")
    few = counts()
    for number in range(1, 12):
        write(acme, f"article-{number}", collection=f"Returns{number % 3 or ''}")
        write(acme, f"article-{number}", language="de")
    assert counts() == few
    assert max(few) <= 8
