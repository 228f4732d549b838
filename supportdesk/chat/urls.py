"""The chat page, its session and its thread."""

from django.urls import path

from supportdesk.chat import views

app_name = "chat"
urlpatterns = [
    path("<slug:tenant>/<slug:channel>/", views.page, name="page"),
    path("<slug:tenant>/<slug:channel>/session/", views.session, name="session"),
    path("<slug:tenant>/<slug:channel>/thread/", views.thread, name="thread"),
]
