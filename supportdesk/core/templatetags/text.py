"""Filters that turn text into HTML and amounts into text."""

from typing import Any

from django import template
from django.utils import translation
from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe

from supportdesk.core import html
from supportdesk.core.money import amount_text

register = template.Library()


@register.filter
def prose(text: str) -> SafeString:
    """Light Markdown as cleaned HTML."""
    return html.prose(text or "")


@register.filter
def as_written(text: str) -> SafeString:
    """A customer's words exactly as typed: escaped, lines kept, no Markdown that could hide a link's target."""
    return mark_safe(linebreaks(html.visible(text or ""), autoescape=True))  # noqa: S308 - escaped by linebreaks


@register.filter
def cited(message: Any) -> SafeString:
    """The prose of a Message with its citations as links."""
    return html.cited(message.body, message.citations, f"s-{message.pk}")


@register.filter
def money(amount: int | None, currency: str) -> str:
    """Minor units as the page's language writes them."""
    return "" if amount is None else amount_text(amount, currency, translation.get_language() or "en")
