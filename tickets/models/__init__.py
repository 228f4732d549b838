"""Customers, the ways they write, and the tickets they become."""

from tickets.models.customers import ChatSession, Company, Customer, CustomerIdentity, IdentityProof, OneTimeCode
from tickets.models.files import Attachment
from tickets.models.keys import HostKey, SpentToken
from tickets.models.places import Channel, ChannelGrant, Queue, QueueGrant, QueueTeam
from tickets.models.tickets import Author, Escalation, Handler, Kind, Message, Priority, Reason, Status, Ticket, TicketQuerySet

__all__ = [
    "Attachment",
    "Author",
    "Channel",
    "ChannelGrant",
    "ChatSession",
    "Company",
    "Customer",
    "CustomerIdentity",
    "Escalation",
    "Handler",
    "HostKey",
    "IdentityProof",
    "Kind",
    "Message",
    "OneTimeCode",
    "Priority",
    "Queue",
    "QueueGrant",
    "QueueTeam",
    "Reason",
    "SpentToken",
    "Status",
    "Ticket",
    "TicketQuerySet",
]
