"""Pages stay put: whoever reads to the end has read each row once, whatever came in meanwhile."""

import pytest

from supportdesk.core.tenancy import acting_for
from tests.api.worlds import Caller, Rows, asked_teammate, new_key, opened, traced
from tests.factories import World
from tickets.verbs import note


def walk(caller: Caller, path: str, field: str, *, size: int = 2, between: object = None) -> list[int]:
    """Every id of the list, page by page; `between` is called after the first page."""
    found: list[int] = []
    joint = "&" if "?" in path else "?"
    cursor = ""
    for _ in range(50):
        answer = caller.get(f"{path}{joint}page_size={size}" + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status_code == 200, answer.content
        page = answer.json()
        assert len(page["items"]) <= size
        found += [each[field] for each in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = page["next_cursor"]
        if callable(between):
            between()
            between = None
    raise AssertionError("this list has no end")


@pytest.fixture
def many(acme: World, rows: Rows) -> Rows:
    with acting_for(acme.tenant):
        for number in range(4):
            opened(acme, f"ticket {number}")
            asked_teammate(rows.ticket, number=100 + number)
            traced(rows.ticket)
            note(ticket_id=rows.ticket.pk, by=acme.owner, body="more")
    return rows


LISTS = {
    "tickets": ("tickets", "number", 5),
    "tickets by number": ("tickets?order=number", "number", 5),
    "messages": ("tickets/{number}/messages", "seq", 6),
    "customers": ("customers", "id", 5),
    "approvals": ("approvals", "id", 5),
    "runs": ("tickets/{number}/runs", "id", 5),
}


@pytest.mark.parametrize("name", sorted(LISTS))
def test_every_row_is_read_once_even_when_more_come_in(acme: World, many: Rows, name: str):
    path, field, count = LISTS[name]
    path = path.replace("{number}", str(many.ticket.number))
    alice = Caller(new_key(acme, member=acme.owner))
    before = walk(alice, path, field, size=100)
    assert len(before) == len(set(before)) == count

    def more() -> None:
        with acting_for(acme.tenant):
            opened(acme, "in between")
            asked_teammate(many.ticket, number=500)
            traced(many.ticket)
            note(ticket_id=many.ticket.pk, by=acme.owner, body="in between")

    read = walk(alice, path, field, between=more)
    assert len(read) == len(set(read))
    # What moved to the top while reading was on an earlier page by then; nothing else is missed.
    moved = {many.ticket.number} if name == "tickets" else set()
    assert set(before) - moved <= set(read)


def test_a_cursor_opens_only_its_own_list_and_workspace(acme: World, globex: World, many: Rows, shop: Caller):
    cursor = shop.get("tickets?page_size=1").json()["next_cursor"]
    assert shop.get(f"tickets?cursor={cursor}").status_code == 200
    stranger = Caller(new_key(globex))
    wrong = [
        shop.get(f"customers?cursor={cursor}"),
        shop.get(f"tickets?order=number&cursor={cursor}"),
        shop.get(f"tickets?cursor={cursor[:-1]}"),
        stranger.get(f"tickets?cursor={cursor}"),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in wrong} == {(400, "bad_cursor")}


def test_a_cursor_tells_nothing_it_should_not(many: Rows, shop: Caller):
    cursor = shop.get("tickets?page_size=1").json()["next_cursor"]
    assert str(many.ticket.subject) not in cursor
    assert len(cursor) <= 400
