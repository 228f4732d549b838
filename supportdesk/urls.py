"""Where everything is."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from supportdesk import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("healthz", views.health, name="health"),
    path("files/<slug:public_id>/", views.attachment, name="file"),
    path("admin/", admin.site.urls),
    path("console/", include("supportdesk.console.urls")),
    path("console/", include("supportdesk.console.sign_in_urls")),
    path("operator/", include("supportdesk.operators.urls")),
    path("chat/", include("supportdesk.chat.urls")),
    path("help/", include("supportdesk.chat.help_urls")),
    path("api/", include("supportdesk.api.urls")),
]
if settings.DEMO:
    urlpatterns.append(path("demo/", include("supportdesk.demo.urls")))
