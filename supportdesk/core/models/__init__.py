"""Tenants and people, keys, the event log, jobs, files."""

from supportdesk.core.models.events import ChainHead, Event, Presence
from supportdesk.core.models.jobs import Job
from supportdesk.core.models.keys import ApiKey, IdempotentRequest, ServiceIdentity
from supportdesk.core.models.people import KillSwitch, Membership, OperatorAct, Role, Team, TeamMember, Tenant, User
from supportdesk.core.models.places import Brand, Environment

__all__ = [
    "ApiKey",
    "Brand",
    "ChainHead",
    "Environment",
    "Event",
    "IdempotentRequest",
    "Job",
    "KillSwitch",
    "Membership",
    "OperatorAct",
    "Presence",
    "Role",
    "ServiceIdentity",
    "Team",
    "TeamMember",
    "Tenant",
    "User",
]
