"""Many tickets at once: one real ticket, multiplied by the database, spread as a busy desk's are."""

from collections.abc import Mapping, Sequence

from django.db import connection, models, transaction

from supportdesk.bench.world import World
from supportdesk.core.tenancy import acting_for
from tickets.models import Customer, Escalation, Ticket
from tickets.receiving import open_session, receive_chat_message

# Every number below is taken from the ticket's own, so that each run has the same tickets. 12 of 100 are open, 6 wait on the customer.
OPEN, PENDING = 12, 18


def multiply(world: World, tickets: int, members: Sequence[int]) -> None:
    """Give the workspace so many tickets, with a customer for every four and an escalation for those a person has."""
    with acting_for(world.tenant), transaction.atomic():
        session, _token = open_session(world.channel)
        first = receive_chat_message(session=session, body="Where is my order?", client_id="first").ticket
        customers = tickets // 4
        _copies(Customer, session.customer_id, customers, {"name": "'Customer ' || n"})
        lowest = Customer.objects.order_by("id").exclude(pk=session.customer_id).values_list("id", flat=True)[0]
        queues = ", ".join(str(queue.pk) for queue in world.queues)
        mates = ", ".join(map(str, members))
        status = f"CASE WHEN n % 100 < {OPEN} THEN 'open' WHEN n % 100 < {PENDING} THEN 'pending' ELSE 'resolved' END"
        by_human = "(n * 19 + n / 100 * 37) % 100 < 40"
        _copies(
            Ticket,
            first.pk,
            tickets - 1,
            {
                "number": "1 + n",
                "customer_id": f"{lowest} + n % {customers}",
                "queue_id": f"(ARRAY[{queues}])[1 + (n * 31) % {len(world.queues)}]",
                "subject": "'Where is my order ' || n || '?'",
                "status": status,
                "handler": f"CASE WHEN {by_human} THEN 'human' ELSE 'ai' END",
                "assignee_id": f"CASE WHEN {by_human} AND (n / 7) % 10 < 6 THEN (ARRAY[{mates}])[1 + (n / 3) % {len(members)}] END",
                "priority": "CASE WHEN n % 50 = 3 THEN 4 WHEN n % 10 = 1 THEN 3 ELSE 2 END",
                "last_message_at": "now() - n * interval '3 minutes'",
                "opened_at": "now() - n * interval '3 minutes' - interval '1 hour'",
                "waiting_since": f"CASE WHEN n % 100 < {OPEN} THEN now() - n * interval '3 minutes' END",
                "resolved_at": f"CASE WHEN n % 100 >= {PENDING} THEN now() - n * interval '2 minutes' END",
            },
        )
        _escalations(world)


def _copies(model: type[models.Model], of: int, count: int, changed: Mapping[str, str]) -> None:
    """`count` copies of one row, numbered n from 1, with some columns as SQL over n: other columns stay whatever the model grows."""
    columns = [str(field.column) for field in model._meta.concrete_fields if not field.primary_key]
    values = ", ".join(changed.get(column, f'one."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({names}) SELECT {values} FROM "{table}" one, generate_series(1, {count:d}) n WHERE one.id = {of:d}'  # noqa: S608
        )


def _escalations(world: World) -> None:
    table = Escalation._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" (tenant_id, ticket_id, reason, packet, queue_id, created_at)'  # noqa: S608
            " SELECT tenant_id, id, 'asked_for_human', '{}', queue_id, last_message_at FROM tickets_ticket WHERE handler = 'human'"
        )
