"""The chat page, its session, the ways in and out, and its thread."""

from django.urls import path

from supportdesk.chat import views

app_name = "chat"
urlpatterns = [
    path("<slug:tenant>/<slug:channel>/", views.page, name="page"),
    path("<slug:tenant>/<slug:channel>/session/", views.session, name="session"),
    path("<slug:tenant>/<slug:channel>/signed/", views.signed, name="signed"),
    path("<slug:tenant>/<slug:channel>/leave/", views.leave, name="leave"),
    path("<slug:tenant>/<slug:channel>/thread/", views.thread, name="thread"),
]
