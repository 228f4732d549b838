"""The demo's own pages."""

from django.urls import path

from supportdesk.demo import views

app_name = "demo"
urlpatterns = [
    path("", views.tour, name="tour"),
    path("mailbox/", views.mailbox, name="mailbox"),
]
