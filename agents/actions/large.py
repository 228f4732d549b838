"""Which calls are so large that approving them asks again who it is."""

from agents.actions.models import ToolCall
from supportdesk.accounts.rules import rules_of
from supportdesk.core.tenancy import acting_tenant


def is_large(call: ToolCall, amount: object = None) -> bool:
    """Whether the call, or the amount put in its place, is above what passes unasked; another currency than the workspace's is."""
    tenant = acting_tenant()
    amounts = [each for each in (call.amount, amount) if isinstance(each, int)]
    if not amounts:
        return False
    return call.currency != tenant.currency or max(amounts) > rules_of(tenant).step_up_amount
