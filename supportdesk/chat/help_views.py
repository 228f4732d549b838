"""The help centre: its home with search, and its articles. Rendered whole by the server; no script needed."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import get_language_info
from django.views.decorators.http import require_GET

from supportdesk.chat import shelves
from supportdesk.chat.places import at_brand
from supportdesk.core.models import Brand

WORDS_A_MINUTE = 200


@require_GET
@at_brand
def home(request: HttpRequest, brand: Brand, language: str) -> HttpResponse:
    """All collections; with `?q=` what a search finds, with `?in=` one whole collection."""
    context = _around(brand, language)
    articles = shelves.public_articles(brand).filter(language=language)
    query, collection = request.GET.get("q", "").strip()[:200], request.GET.get("in", "").strip()[:80]
    if query:
        context |= {"query": query, "found": shelves.search(articles, query, language)}
    elif collection:
        found = list(articles.filter(collection=collection).order_by("title"))
        if not found:
            raise Http404
        context |= {"collection": collection, "found": found}
    else:
        context |= {"shelves": shelves.shelves_of(articles)}
    return _render(request, "help/home.html", context)


@require_GET
@at_brand
def article(request: HttpRequest, brand: Brand, language: str, slug: str) -> HttpResponse:
    """One published, public article, with its other languages and its neighbours."""
    context = _around(brand, language)
    found = shelves.public_articles(brand).filter(language=language, slug=slug).first()
    if found is None:
        raise Http404
    written = set(shelves.public_articles(brand).filter(slug=slug).order_by().values_list("language", flat=True))
    related = shelves.public_articles(brand).filter(language=language, collection=found.collection).exclude(pk=found.pk)
    sections = shelves.sections_of(found.body)
    context |= {
        "article": found,
        "sections": sections,
        "headings": [section for section in sections if section.heading],
        "minutes": max(1, round(len(found.body.split()) / WORDS_A_MINUTE)),
        "related": list(related.only("slug", "title").order_by("title")[:6]),
        "written": written,
    }
    return _render(request, "help/article.html", context)


def _around(brand: Brand, language: str) -> dict[str, Any]:
    """What every page of the help centre shows.

    Raises:
        Http404: for a language the brand neither writes nor offers.
    """
    languages = shelves.languages_of(brand)
    if language not in languages and language not in brand.languages:
        raise Http404
    return {
        "brand": brand,
        "tenant": brand.tenant,
        "language": language,
        "languages": [(code, _name(code)) for code in languages],
        "language_name": _name(language),
        "chat": shelves.chat_of(brand),
    }


def _render(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The page in its language, as far as the screens have it."""
    known = {code for code, _ in settings.LANGUAGES}
    language = context["language"]
    with translation.override(language if language in known else settings.LANGUAGE_CODE):
        return render(request, template, {**context, "direction": "rtl" if _is_rtl(language) else "ltr"})


def _name(code: str) -> str:
    """The language's own name for itself."""
    try:
        return str(get_language_info(code)["name_local"]).capitalize()
    except KeyError:
        return code


def _is_rtl(code: str) -> bool:
    try:
        return bool(get_language_info(code)["bidi"])
    except KeyError:
        return False
