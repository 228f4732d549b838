"""What is written while the thread is being read is shown by the next look, never skipped."""

from collections.abc import Callable
from typing import Any

from django.db import connection

from supportdesk.chat.thread import thread_of
from tests.chat.cards import ai_says
from tests.factories import World, make_session, say


def test_an_answer_that_comes_between_two_reads_is_not_skipped(at_acme: World) -> None:
    session, _token = make_session(at_acme)
    ticket = say(session, "Where is my order?").ticket
    session.refresh_from_db()
    reads: list[str] = []

    def write_between(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.startswith("SELECT") and 'FROM "tickets_message"' in sql:
            reads.append(sql)
            if len(reads) == 2:
                ai_says(ticket, "It arrives tomorrow.")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(write_between):
        first = thread_of(session)
    seen = [entry.message.seq for entry in [*first.entries, *thread_of(session, first.last_seq).entries]]
    assert seen == [1, 2]
