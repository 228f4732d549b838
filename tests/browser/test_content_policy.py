"""Every page carries a content security policy without inline scripts, the admin and the API's page too, and breaks none of it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.people import People

pytestmark = pytest.mark.browser
WATCH = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (e) =>
  window.broken.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber} ${e.sample}`));
"""
PAGES = (
    *("/admin/", "/admin/policies/policy/", "/admin/policies/prompt/", "/admin/actions/connector/", "/admin/actions/connector/add/"),
    *("/admin/actions/toolcall/", "/admin/knowledge/article/", "/admin/knowledge/article/add/", "/admin/core/event/"),
    *("/admin/core/killswitch/", "/admin/releases/release/", "/admin/tickets/queue/", "/admin/password_change/"),
    *("/api/v1/docs/", "/console/"),
)


def test_admin_pages_work_under_their_policy(people: People):
    context = people.context()
    context.add_init_script(WATCH)
    page = context.new_page()
    people.complaints.expect("favicon")
    people.sign_in(page, "nora", at="/admin/")
    for path in PAGES:
        answer = page.goto(people.desk.url + path)
        assert answer is not None
        if answer.status == 404:
            continue
        policy = answer.headers["content-security-policy"]
        scripts = re.search(r"script-src ([^;]*)", policy)
        assert scripts, path
        assert "unsafe-inline" not in scripts[1], path
        assert "permissions-policy" in answer.headers, path
        page.wait_for_timeout(300)
        assert page.evaluate("window.broken") == [], path
    page.goto(f"{people.desk.url}/admin/policies/policy/")
    # Alpine runs: the theme switch opens its list.
    expect(page.locator("html[x-data]")).to_have_count(1)
    assert page.evaluate("typeof window.Alpine") == "object"
