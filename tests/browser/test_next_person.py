"""Reliability 18 in a real browser: leaving, proving another address, signing in from the host site, and being shown out."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import jwt
import pytest
from playwright.sync_api import expect

from tests.browser.desk import FOREIGN, ROOT, Desk
from tests.browser.people import People

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MAKE_KEY = """
from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.models import Tenant
from supportdesk.core.tenancy import acting_for
from tickets.models import Channel
from tickets.signed import make_key
with acting_for(Tenant.objects.get(slug="norrholt")):
    key, secret = make_key(channel=Channel.objects.get(key="chat"), name="Shop", site={site!r}, algorithm="HS256", by=SYSTEM_ACTOR)
print("KEY", key.kid, secret)
"""


@contextmanager
def host_site(desk: Desk) -> Iterator[str]:
    """A shop's page at an address of its own, whose button posts who is signed in there: `/?sub=…&email=…`."""
    key: dict[str, str] = {}

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            who = dict(part.split("=") for part in self.path.partition("?")[2].split("&") if "=" in part)
            now = int(time.time())
            claims = {**who, "email_verified": True, "iat": now, "exp": now + 60, "aud": "norrholt/chat", "jti": uuid4().hex}
            token = jwt.encode(claims, key["secret"], algorithm="HS256", headers={"kid": key["kid"]})
            body = f'<!doctype html><title>Shop</title><link rel="icon" href="data:,"><form method="post" action="{desk.chat}signed/">'
            body += f'<input type="hidden" name="identity" value="{token}"><button>Chat</button></form>'
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    site = f"http://127.0.0.1:{server.server_port}"
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    environment["SUPPORTDESK_VAR"] = str(desk.log.parent / "var")
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", MAKE_KEY.format(site=site)]
    made = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    _word, key["kid"], key["secret"] = next(line for line in made.splitlines() if line.startswith("KEY")).split()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield site
    server.shutdown()
    server.server_close()


@pytest.mark.reliability(18, "shared computer")
def test_who_leaves_leaves_nothing_on_the_device(people: People) -> None:
    customer = people.customer()
    page = customer.page
    customer.ask("What does express shipping cost?")
    page.click("#leave")
    page.click("#leaving button[value=stay]")
    expect(page.locator(".mine")).to_have_count(1)
    page.click("#leave")
    page.click("#leaving button[value=leave]")
    expect(page.locator("#remark")).to_contain_text("You left the chat")
    expect(page.locator(".mine")).to_have_count(0)
    page.reload()
    expect(page.locator("#suggest")).to_be_visible()
    expect(page.locator(".mine")).to_have_count(0)
    assert page.evaluate("JSON.parse(Object.values(localStorage)[0]).token") == ""


@pytest.mark.reliability(18, "other person")
def test_a_signed_customer_comes_by_form_and_the_next_one_sees_nothing_of_them(people: People, desk: Desk) -> None:
    customer = people.customer()
    page = customer.page
    with host_site(desk) as site:
        page.goto(f"{site}/?sub=C-77&email=ida@mail.example")
        page.click("button")
        page.wait_for_url(desk.chat)
        expect(page.locator("#leave")).to_be_visible()
        customer.say("What does express shipping cost?")
        expect(page.locator(".event", has_text="Signed in with your account")).to_be_visible()
        page.goto(f"{site}/?sub=C-77&email=ida@mail.example")
        page.click("button")
        expect(page.locator(".mine")).to_have_count(1)
        page.goto(f"{site}/?sub=C-88&email=owen@mail.example")
        page.click("button")
        page.wait_for_url(desk.chat)
        expect(page.locator("#suggest")).to_be_visible()
        expect(page.locator(".mine")).to_have_count(0)
        page.reload()
        expect(page.locator(".mine")).to_have_count(0)
        assert page.evaluate("document.cookie.includes('chat_handoff')") is False


@pytest.mark.reliability(14, "revoked")
def test_a_customer_who_is_shown_out_is_told_calmly(people: People) -> None:
    customer = people.customer()
    customer.ask("Where can I find a rain cover for my pack?")
    mira = people.teammate("mira")
    mira.open_ticket(mira.find("rain cover for my pack"))
    mira.page.get_by_role("button", name="End this customer's access").click()
    if folder := os.environ.get("SUPPORTDESK_LOOK"):
        mira.page.wait_for_timeout(500)
        mira.page.screenshot(path=f"{folder}/end-access.png")
    people.complaints.expect("401")
    mira.page.locator("#end-access").get_by_role("button", name="End access").click()
    expect(customer.page.locator('[data-line="over"]')).to_be_visible(timeout=6_000)
    expect(customer.page.locator(".mine")).to_have_count(0)
