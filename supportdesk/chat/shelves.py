"""Reading the help centre: what is published for customers, its collections, and a plain search in SQL."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

import snowballstemmer
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable

from agents.knowledge.models import Article
from supportdesk.core.models import Brand
from tickets.models import Channel

MAX_WORDS = 8
MAX_FOUND = 20
STEMMERS = {"en": "english", "de": "german", "es": "spanish", "fr": "french", "ar": "arabic", "nl": "dutch", "sv": "swedish"}
# Words of questions, which every article has.
EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        """the and for you your are can how what when where does with this that from have has was not why who will
        wie was wer wann das der die den dem ein eine ist ich und mein meine kann für mit nicht
        como cómo que qué para por con los las una mis del está puedo cuando cuándo donde dónde
        les des une est que pour avec mon mes comment quand puis""",
    )
)
ICONS = (
    ("truck", re.compile(r"deliver|parcel|express|customs|pick-up")),
    ("return", re.compile(r"return|refund|exchange")),
    ("tent", re.compile(r"warranty|repair-service|broken|spare|storm|faulty")),
    ("ruler", re.compile(r"size|back-length|temperature")),
    ("refresh", re.compile(r"subscription|box|pause")),
    ("lock", re.compile(r"email|privacy|data|password|cookies|newsletter")),
    ("receipt", re.compile(r"order|payment|invoice")),
    ("coins", re.compile(r"gift|voucher|discount|price|sale")),
    ("book", re.compile(r"care|washing|drying|waterproof")),
    ("chat", re.compile(r"contact|hours|agent")),
)


@dataclass(frozen=True)
class Shelf:
    """One collection: its icon, its first articles, and how many there are."""

    name: str
    icon: str
    articles: list[Article]
    total: int


@dataclass(frozen=True)
class Section:
    """A part of an article under one second-level heading; the first part has none."""

    anchor: str
    heading: str
    body: str


def public_articles(brand: Brand) -> QuerySet[Article]:
    """What customers of the brand may read: published and public, in every language."""
    return Article.objects.filter(brand=brand, status=Article.Status.PUBLISHED, audience=Article.Audience.PUBLIC)


def languages_of(brand: Brand) -> list[str]:
    """The languages one can switch to: those with articles, in the brand's order, then others by code."""
    written = set(public_articles(brand).order_by().values_list("language", flat=True).distinct())
    order = {code: place for place, code in enumerate(brand.languages)}
    return sorted(written, key=lambda code: (order.get(code, len(order)), code))


def chat_of(brand: Brand) -> Channel | None:
    """The brand's live chat channel, the oldest one when there are several."""
    channel: Channel | None = (
        Channel.objects.filter(brand=brand, kind=Channel.Kind.CHAT, is_active=True).order_by("-environment", "id").last()
    )
    return channel


def shelves_of(articles: QuerySet[Article], first: int = 4) -> list[Shelf]:
    """The articles by collection, the fullest one first."""
    rows = list(articles.only("slug", "title", "collection", "language").order_by("title"))
    counted = Counter(row.collection for row in rows)
    shelves = []
    for name, total in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
        mine = [row for row in rows if row.collection == name]
        shelves.append(Shelf(name, icon_of([row.slug for row in mine]), mine[:first], total))
    return shelves


def icon_of(slugs: list[str]) -> str:
    """The icon most of a collection's slugs speak for; slugs are the same in every language, names are not."""
    votes = Counter(name for slug in slugs for name, words in ICONS if words.search(slug))
    return votes.most_common(1)[0][0] if votes else "book"


def search(articles: QuerySet[Article], query: str, language: str) -> list[Article]:
    """The articles that hold any word of the query: most words first, words in the title before the summary before the body."""
    stems = stems_of(query, language)
    if not stems:
        return []
    any_word = Q()
    score: Combinable = Value(0, output_field=IntegerField())
    for stem in stems:
        title, summary, body = (_holds(field, stem) for field in ("title", "summary", "body"))
        any_word |= title | summary | body
        score = score + Case(When(title, then=12), When(summary, then=7), When(body, then=4), default=0, output_field=IntegerField())
    found = list(articles.filter(any_word).annotate(score=score).order_by(F("score").desc(), "title")[:MAX_FOUND])
    # What holds one word in passing is noise beside an article about it.
    return [each for each in found if each.score * 3 >= found[0].score]


def stems_of(query: str, language: str) -> list[str]:
    """The words to look for, each cut back to what its inflections share; at most eight."""
    words = dict.fromkeys(word for word in re.findall(r"\w{2,40}", query.lower()[:200]) if word not in EMPTY_WORDS)
    return [_stem(word, language) for word in list(words)[:MAX_WORDS]]


def _stem(word: str, language: str) -> str:
    algorithm = STEMMERS.get(language.split("-")[0])
    if algorithm is None or len(word) < 4:
        return word
    # A stem need not be a piece of the word (deliveri); what they share is.
    pairs = zip(word, _stemmer(algorithm).stemWord(word), strict=False)
    shared = "".join(ours for ours, _theirs in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return shared if len(shared) >= 3 else word


@lru_cache
def _stemmer(algorithm: str) -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer(algorithm)


def _holds(field: str, stem: str) -> Q:
    """The field holds the stem. SQLite folds only ASCII letters, so others are asked for in both cases."""
    forms = {stem} if stem.isascii() else {stem, stem.capitalize(), stem.upper()}
    found = Q()
    for form in sorted(forms):
        found |= Q(**{f"{field}__icontains": form})
    return found


def sections_of(body: str) -> list[Section]:
    """A Markdown article cut at its second-level headings, so that each gets an anchor; headings inside code stay text."""
    sections: list[Section] = []
    heading, lines, in_code = "", list[str](), False
    for line in [*body.splitlines(), "## "]:
        in_code ^= line.lstrip().startswith(("```", "~~~"))
        if line.startswith("## ") and (not in_code or line == "## "):
            if heading or "".join(lines).strip():
                sections.append(Section(f"part-{len(sections)}", heading, "\n".join(lines).strip()))
            heading, lines = re.sub(r"[*_`#]+", "", line[3:]).strip(), []
        else:
            lines.append(line)
    return sections
