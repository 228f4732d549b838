"""Reading and sending admin pages as a browser would."""

import html
from typing import Any

from django.forms import BaseForm
from django.test import Client
from django.urls import reverse


def url(model: Any, what: str, *args: Any) -> str:
    """The address of one of a model's admin pages."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=args)


def form_data(response: Any) -> dict[str, Any]:
    """What the browser would send back unchanged: the page's form and its inlines."""
    data: dict[str, Any] = {}
    if "adminform" in response.context:
        data |= values(response.context["adminform"].form)
    for inline in response.context.get("inline_admin_formsets", []):
        for form in (inline.formset.management_form, *inline.formset.forms):
            data |= values(form)
    return data


def values(form: BaseForm) -> dict[str, Any]:
    found = {}
    for bound in form:
        value = bound.value()
        value = bound.field.prepare_value(value)
        if value is True:
            found[bound.html_name] = "on"
        elif value is not None and value is not False:
            found[bound.html_name] = value
    return found


def send(client: Client, address: str, **changes: Any) -> Any:
    """Open the page, change some fields, send it, and follow to the page that answers."""
    page = client.get(address)
    assert page.status_code == 200, page.status_code
    data = form_data(page) | changes
    return client.post(address, {name: value for name, value in data.items() if value is not None}, follow=True)


def text(response: Any) -> str:
    """The page's words."""
    return html.unescape(response.content.decode())
