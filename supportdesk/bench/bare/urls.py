"""A health answer, Django's own sign-in page and admin, and a poke that fans out."""

import time

from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib import admin
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, URLResolver, path


def health(request: HttpRequest) -> JsonResponse:
    """As the product's own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


async def poke(request: HttpRequest) -> JsonResponse:
    """Send one message to every socket; says when, in monotonic seconds."""
    layer = get_channel_layer()
    sent = time.monotonic()
    await layer.group_send("everybody", {"type": "news", "position": int(request.GET["position"]), "ticket_id": 1})
    return JsonResponse({"at": sent})


urlpatterns: list[URLPattern | URLResolver] = [path("healthz", health), path("poke", poke)]
if "django.contrib.admin" in settings.INSTALLED_APPS:
    urlpatterns.append(path("admin/", admin.site.urls))
