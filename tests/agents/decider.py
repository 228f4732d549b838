"""`python -m tests.agents.decider ACT …`: one decision of a customer or a teammate in a process of its own, so that it can be killed."""

import os
import sys

import django


def main(act: str, tenant_id: str, *rest: str) -> None:
    """confirm TICKET CALL HASH · approve|reject|edit APPROVAL MEMBER HASH · say SESSION TEXT."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supportdesk.settings")
    django.setup()
    from agents.actions import approvals, confirmations
    from supportdesk.core.models import Membership, Tenant
    from supportdesk.core.tenancy import acting_for
    from tickets.errors import Refusal
    from tickets.models import ChatSession
    from tickets.receiving import receive_chat_message

    with acting_for(Tenant.objects.get(pk=tenant_id)):
        if act == "say":
            receive_chat_message(session=ChatSession.objects.select_related("channel").get(pk=rest[0]), body=rest[1], client_id="killed")
            return
        if act == "confirm":
            confirmations.answer(ticket_id=int(rest[0]), call_id=rest[1], shown_hash=rest[2], yes=True)
            return
        approval, by, shown_hash = int(rest[0]), Membership.objects.get(pk=rest[1]), rest[2]
        try:
            if act == "approve":
                approvals.approve(approval_id=approval, by=by, shown_hash=shown_hash)
            elif act == "edit":
                approvals.edit(approval_id=approval, by=by, shown_hash=shown_hash, arguments={"amount": 14000})
            else:
                approvals.reject(approval_id=approval, by=by, reason="Repair first", say="We send a new pole set at no cost.")
        except Refusal as refusal:
            print(refusal.code)


if __name__ == "__main__":
    main(*sys.argv[1:])
