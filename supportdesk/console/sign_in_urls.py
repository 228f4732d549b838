"""The names by which django-allauth looks for pages, on the pages we draw; those it does not find here, nobody reaches."""

from django.urls import path

from supportdesk.console.views import auth

urlpatterns = [
    path("sign-in/", auth.sign_in, name="account_login"),
    path("sign-in/", auth.sign_in, name="account_inactive"),
    path("sign-in/code/", auth.sign_in_code, name="mfa_authenticate"),
]
