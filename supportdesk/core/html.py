"""The one place where text becomes HTML: light Markdown, then the one cleaner."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

TAGS = {
    "p", "br", "strong", "em", "code", "pre", "ul", "ol", "li", "blockquote", "a", "h2", "h3", "h4", "hr",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
SCHEMES = {"http", "https", "mailto", "tel"}
# Invisible: format characters that reorder or hide text, and the tag characters of plane 14.
HIDDEN = re.compile("[\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
MARKER = re.compile(r"\[(\d{1,2})\]")


@cache
def _markdown() -> "MarkdownIt":
    # Loaded with the first text: a process that shows none starts sooner.
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False}).enable("table").disable("image")


def clean(html: str) -> SafeString:
    """HTML that can do nothing: our few tags, four link schemes, no styles, no images."""
    cleaned = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow ugc",
    )
    return mark_safe(cleaned)  # noqa: S308 - the cleaner's own output


def prose(text: str) -> SafeString:
    """Light Markdown as cleaned HTML."""
    return clean(_markdown().render(visible(text)))


def visible(text: str) -> str:
    """The text without characters that hide or reorder it."""
    return HIDDEN.sub("", text)


def plain(text: str) -> str:
    """The text as a model or an index may read it: NFKC, nothing hidden, no control characters but line breaks."""
    normal = unicodedata.normalize("NFKC", visible(text))
    return "".join(char for char in normal if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf"))


def cited(text: str, citations: Sequence[Mapping[str, Any]], anchor: str) -> SafeString:
    """Prose whose [n] markers lead to the message's source n; a marker without a source stays text."""
    known = {int(each["n"]): each for each in citations}

    def link(match: re.Match[str]) -> str:
        number = int(match.group(1))
        if number not in known:
            return match.group(0)
        url = str(known[number].get("url") or "")
        href = url if url.startswith(("/", "https://", "http://")) and not url.startswith("//") else f"#{anchor}"
        return format_html('<a class="cite" href="{}" title="{}">{}</a>', href, known[number].get("title", ""), number)

    return mark_safe(MARKER.sub(link, prose(text)))  # noqa: S308 - cleaned prose, and links built by format_html
