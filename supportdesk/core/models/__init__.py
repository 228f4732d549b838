"""Tenants and people, the event log, jobs, files."""

from supportdesk.core.models.events import ChainHead, Event, Presence
from supportdesk.core.models.jobs import Job
from supportdesk.core.models.people import KillSwitch, Membership, Role, Team, TeamMember, Tenant, User
from supportdesk.core.models.places import Brand, Environment

__all__ = [
    "Brand",
    "ChainHead",
    "Environment",
    "Event",
    "Job",
    "KillSwitch",
    "Membership",
    "Presence",
    "Role",
    "Team",
    "TeamMember",
    "Tenant",
    "User",
]
