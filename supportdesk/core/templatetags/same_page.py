"""`{% csrf_token %}` as everywhere in Django, and beside it whose page the form stands on (see `supportdesk.core.same_page`)."""

from typing import Any

from django import template
from django.template.base import Parser, Token
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString

from supportdesk.core.same_page import FIELD

register = template.Library()


class PageTokenNode(CsrfTokenNode):
    """The hidden fields every form begins with."""

    def render(self, context: Any) -> SafeString:
        """Django's own field, and the membership the page was made for."""
        member = getattr(context.get("request"), "membership", None)
        whose = format_html('<input type="hidden" name="{}" value="{}">', FIELD, member.pk) if member is not None else ""
        return format_html("{}{}", super().render(context), whose)


@register.tag
def csrf_token(parser: Parser, token: Token) -> PageTokenNode:
    """In place of Django's tag: no form can be written without it, so none can be without its page's owner."""
    return PageTokenNode()
