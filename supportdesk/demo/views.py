"""The demo's front door, and the page that shows the codes mailed to its invented customers."""

import email
import email.policy
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from supportdesk.demo.workspace import PASSWORD, TEAMMATES

NEWEST = 20
CODE = re.compile(r"\b(\d{3}) (\d{3})\b")
SEPARATOR = b"-" * 79


@dataclass(frozen=True)
class Mail:
    """One mail the embedded default wrote to a file instead of sending it."""

    to: str
    subject: str
    code: str
    body: str
    at: datetime


@require_GET
def tour(request: HttpRequest) -> HttpResponse:
    """Where everything of the demo is, and who may sign in."""
    return render(request, "demo/tour.html", {"mates": TEAMMATES, "password": PASSWORD})


@require_GET
def mailbox(request: HttpRequest) -> HttpResponse:
    """The newest mails, newest first; `?to=` keeps one person's."""
    wanted = request.GET.get("to", "").strip().lower()
    mails = [mail for mail in newest_mails() if not wanted or mail.to.lower() == wanted]
    template = "demo/_mails.html" if request.htmx else "demo/mailbox.html"  # type: ignore[attr-defined]
    return render(request, template, {"mails": mails[:NEWEST], "to": wanted})


def newest_mails() -> list[Mail]:
    """What lies in the mail folder, newest first."""
    folder = Path(settings.EMAIL_FILE_PATH)
    files = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True)[: NEWEST * 3] if folder.exists() else []
    return [mail for path in files for mail in reversed(_mails_in(path))]


def _mails_in(path: Path) -> list[Mail]:
    moment = timezone.make_aware(datetime.fromtimestamp(path.stat().st_mtime))
    found = []
    for raw in path.read_bytes().split(SEPARATOR):
        if not raw.strip():
            continue
        message = email.message_from_bytes(raw.strip(), policy=email.policy.default)
        body = message.get_content() if message.get_content_maintype() == "text" else ""
        code = CODE.search(body)
        found.append(Mail(str(message["To"]), str(message["Subject"]), "".join(code.groups()) if code else "", body, moment))
    return found
