"""Where the teammates' pages are."""

from django.urls import path

from supportdesk.console.views import acts, approvals, auth, palette, queue, ticket, trace

app_name = "console"
urlpatterns = [
    path("", queue.queue, name="queue"),
    path("rows/", queue.rows, name="rows"),
    path("palette/", palette.palette, name="palette"),
    path("sign-in/", auth.sign_in, name="sign_in"),
    path("sign-out/", auth.sign_out, name="sign_out"),
    path("workspace/", auth.switch_workspace, name="switch_workspace"),
    path("availability/", auth.set_availability, name="availability"),
    path("approvals/", approvals.page, name="approvals"),
    path("approvals/news/", approvals.news, name="approval_news"),
    path("approvals/<int:approval_id>/", approvals.page, name="approval"),
    path("approvals/<int:approval_id>/preview/", approvals.preview, name="approval_preview"),
    path("approvals/<int:approval_id>/approve/", approvals.approve, name="approve"),
    path("approvals/<int:approval_id>/edit/", approvals.edit, name="edit"),
    path("approvals/<int:approval_id>/reject/", approvals.reject, name="reject"),
    path("tickets/<int:number>/", ticket.ticket_page, name="ticket"),
    path("tickets/<int:number>/preview/", ticket.preview, name="preview"),
    path("tickets/<int:number>/news/", ticket.news, name="news"),
    path("tickets/<int:number>/orders/", ticket.orders, name="orders"),
    path("tickets/<int:number>/reply/", acts.reply, name="reply"),
    path("tickets/<int:number>/note/", acts.note, name="note"),
    path("tickets/<int:number>/take-over/", acts.take_over, name="take_over"),
    path("tickets/<int:number>/hand-back/", acts.hand_back, name="hand_back"),
    path("tickets/<int:number>/assign/", acts.assign, name="assign"),
    path("tickets/<int:number>/end-access/", acts.end_access, name="end_access"),
    path("tickets/<int:number>/route/", acts.route, name="route"),
    path("tickets/<int:number>/resolve/", acts.resolve, name="resolve"),
    path("tickets/<int:number>/reopen/", acts.reopen, name="reopen"),
    path("tickets/<int:number>/runs/<int:run_id>/why/", trace.why, name="why"),
    path("tickets/<int:number>/trace/<int:run_id>/", trace.trace, name="trace"),
]
