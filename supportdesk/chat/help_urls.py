"""The help centre."""

from django.urls import path

from supportdesk.chat import help_views

app_name = "help"
urlpatterns = [
    path("<slug:tenant>/<slug:brand>/<slug:language>/", help_views.home, name="home"),
    path("<slug:tenant>/<slug:brand>/<slug:language>/<slug:slug>/", help_views.article, name="article"),
]
