"""Where the operators' pages are."""

from django.urls import path

from supportdesk.operators import views

app_name = "operator"
urlpatterns = [
    path("", views.workspaces, name="workspaces"),
    path("second-factor/", views.second_factor_page, name="second_factor"),
    path("prove/", views.prove, name="prove"),
    path("workspaces/make/", views.make, name="make"),
    path("workspaces/<int:tenant_id>/suspend/", views.suspend, name="suspend"),
    path("workspaces/<int:tenant_id>/resume/", views.resume, name="resume"),
    path("workspaces/<int:tenant_id>/verify/", views.verify, name="verify"),
    path("switch/", views.switch, name="switch"),
    path("accounts/", views.accounts, name="accounts"),
    path("accounts/<int:user_id>/close/", views.close_account, name="close"),
    path("accounts/<int:user_id>/open/", views.open_account, name="open"),
    path("accounts/<int:user_id>/sessions/end/", views.end_sessions, name="end_sessions"),
    path("jobs/", views.jobs, name="jobs"),
    path("sign-ins/", views.sign_ins, name="sign_ins"),
    path("acts/", views.acts, name="acts"),
]
