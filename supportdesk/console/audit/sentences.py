"""Every code the event log knows, as a sentence. Pure: an event and names go in, text comes out.

A sentence begins with who did it. `{ticket}` and its like are names of what the event is about; a code nobody listed is told as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Told(Protocol):
    """What a sentence needs of an event."""

    code: str
    actor_kind: str
    actor_id: int | None
    ticket_id: int | None
    subject: Any
    changed: Any


@dataclass(frozen=True)
class Names:
    """Names by kind and id: `names.of("queue", 3)`; what has none is told by its number."""

    known: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def of(self, kind: str, key: Any) -> str:
        """The name of one thing, with its kind in front where it has only a number."""
        return self.known.get((kind, str(key))) or f"{NOUNS.get(kind, kind.replace('_', ' '))} {str(key)[:8]}"


# What kinds of subjects are called.
NOUNS: dict[str, str] = {
    "apikey": "key", "killswitch": "switch", "signinrules": "sign-in rules", "signon": "single sign-on", "policyversion": "policy version",
    "promptversion": "prompt version", "hostkey": "host key", "host_key": "host key", "serviceidentity": "service",
    "queuegrant": "grant on a queue", "channelgrant": "grant on a channel", "agentgrant": "grant on an agent",
    "attachment": "file", "member": "teammate", "membership": "teammate", "one_time_code": "code", "toolcall": "action",
    "agentrun": "run",
}  # fmt: skip

SENTENCES: dict[str, str] = {
    "answer.not_helped": "{who} said that an answer did not help, on {ticket}",
    "approval.approved": "{who} approved an action of {ticket}",
    "approval.asked": "{who} asked the teammates to decide on an action of {ticket}",
    "approval.edited": "{who} changed an action of {ticket} instead of approving it",
    "approval.expired": "Nobody decided in time on an action of {ticket}",
    "approval.rejected": "{who} rejected an action of {ticket}",
    "approval.void": "A wish for approval became void on {ticket}",
    "audit.exported": "{who} exported the audit trail",
    "audit.export_cut": "An export of the audit trail was cut off: whoever took it may no longer",
    "call.approved": "The rules allowed an action of {ticket}",
    "call.asked": "An action of {ticket} waits for a teammate",
    "call.cancelled": "{who} gave up an action of {ticket}",
    "call.confirmed": "{who} said yes to an action of {ticket}",
    "call.declined": "{who} said no to an action of {ticket}",
    "call.denied": "The rules denied an action of {ticket}",
    "call.executing": "An action of {ticket} began",
    "call.needs_identity": "An action of {ticket} waits for proof of identity",
    "call.proposed": "{who} proposed an action of {ticket} to the customer",
    "call.refused": "The connected system refused an action of {ticket}",
    "call.sent_back": "An action of {ticket} was sent back: the rules or the world moved meanwhile",
    "call.succeeded": "An action of {ticket} was carried out",
    "call.unknown": "The outcome of an action of {ticket} is unknown",
    "chat.left": "{who} left the chat of {ticket}",
    "chat.session_ended": "{who} ended a chat session",
    "chat.session_opened": "{who} opened a chat",
    "customer.access_ended": "{who} ended the customer’s access to {ticket}",
    "customer.added": "{who} added {customer}",
    "customer.changed": "{who} changed {customer}",
    "customer.erase_asked": "{who} asked to erase {customer}",
    "customer.erase_failed": "An erasure did not come to its end",
    "customer.erased": "{customer} was erased",
    "customer.export_asked": "{who} asked for an export of {customer}",
    "customer.export_taken": "{who} took the export of {customer}",
    "customer.exported": "The export of {customer} was made",
    "data_rules.changed": "{who} changed whether originals of masked messages are kept",
    "file.added": "{who} added a file to {ticket}",
    "grant.given": "{who} let {user} into {thing}",
    "grant.taken": "{who} took {user}’s way into {thing}",
    "hold.lifted": "{who} lifted a legal hold on {held}",
    "hold.placed": "{who} placed a legal hold on {held}",
    "host_key.made": "{who} made a key that signs customers in",
    "host_key.revoked": "{who} revoked a key that signs customers in",
    "identity.code_asked": "{who} asked for a code to prove who they are, on {ticket}",
    "identity.code_refused": "{who} entered a wrong code on {ticket}",
    "identity.proven": "{who} proved who they are on {ticket}",
    "identity.signed": "{who} came signed in by the host site",
    "invitation.sent_again": "{who} sent an invitation again",
    "invitation.withdrawn": "{who} withdrew an invitation",
    "job.redriven": "{who} gave a dead job another chance",
    "key.made": "{who} made {key} for {service}",
    "key.revoked": "{who} revoked {key}",
    "key.rotated": "{who} rotated {key}",
    "killswitch.added": "{who} {switched}",
    "killswitch.changed": "{who} {switched}",
    "knowledge.indexed": "The help centre was indexed again",
    "member.availability_changed": "{member} {available}",
    "member.disabled": "{who} disabled {member}",
    "member.invited": "{who} invited somebody",
    "member.joined": "{member} joined the workspace",
    "member.role_changed": "{who} changed the role of {member}{from_to}",
    "message.received": "{who} wrote on {ticket}",
    "message.relayed": "{who} relayed a message on {ticket}",
    "message.sent": "{who} answered on {ticket}",
    "note.added": "{who} left a note on {ticket}",
    "operator.chain_verified": "{who} had the audit trail verified",
    "operator.workspace_made": "{who} made this workspace",
    "original.read": "{who} looked at the original of a masked message on {ticket}",
    "password.changed": "{who} changed the password of {member}",
    "password.reset": "{member} set a new password by a mailed link",
    "policy.published": "{who} published {policy}{version_number}",
    "prompt.published": "{who} published {prompt}{version_number}",
    "recovery_code.used": "{member} signed in with a recovery code",
    "recovery_codes.made": "{member} made new recovery codes",
    "release.made": "{who} made {release}",
    "release.promoted": "{who} made {release} live{environment}",
    "release.rolled_back": "{who} rolled back to {release}{environment}",
    "retention.applied": "What was kept long enough went",
    "run.started": "{who} began a run on {ticket}",
    "schedule.changed": "{who} changed how long something is kept",
    "second_factor.added": "{member} set up a second factor",
    "second_factor.removed": "{member} removed the second factor",
    "second_factor.reset": "{who} took away the lost second factor of {member}",
    "service.made": "{who} made {service}",
    "session.ended": "{who} ended {sessions} of {member}",
    "session.started": "{member} signed in",
    "session.signed_out": "{member} signed out",
    "sign_on.changed": "{who} changed single sign-on",
    "sign_on.linked": "{member} signed in with single sign-on for the first time",
    "ticket.assigned": "{who} assigned {ticket} to {assignee}",
    "ticket.escalated": "{who} passed {ticket} to the teammates",
    "ticket.handed_back": "{who} handed {ticket} back to the agent",
    "ticket.opened": "{who} opened {ticket}",
    "ticket.reopened": "{who} reopened {ticket}",
    "ticket.resolved": "{who} resolved {ticket}",
    "ticket.routed": "{who} moved {ticket} to {queue}",
    "ticket.taken_over": "{who} took over {ticket}",
    "user.disabled": "{who} closed the account of {member}",
    "user.renamed": "{member} changed their name",
    "workspace.resumed": "{who} let the workspace work again",
    "workspace.suspended": "{who} suspended the workspace",
}
# What an editor does to a row of the configuration: `queue.changed` and its like.
VERBS = {"added": "added", "changed": "changed", "deleted": "deleted"}
EDITED = frozenset(
    {"agent", "agentgrant", "apikey", "article", "brand", "channel", "channelgrant", "connector", "hostkey", "killswitch", "limit"}
    | {"membership", "policy", "prompt", "queue", "queuegrant", "rule", "serviceidentity", "signinrules", "team", "invitation"}
    | {"signon"}
)
KINDS = {"system": "SupportDesk", "ai": "The agent", "customer": "The customer", "operator": "A platform operator"}


def has_sentence(code: str) -> bool:
    """Whether the code is told in words of its own."""
    kind, _dot, verb = code.partition(".")
    return code in SENTENCES or (kind in EDITED and verb in VERBS)


def who_did(event: Told, names: Names) -> str:
    """Whoever did it, at the beginning of a sentence."""
    match event.actor_kind:
        case "teammate":
            return names.of("member", event.actor_id)[:1].upper() + names.of("member", event.actor_id)[1:]
        case "service":
            return f"The program {names.known.get(('service', str(event.actor_id))) or event.actor_id}"
        case "operator":
            return f"Platform operator {event.actor_id}" if event.actor_id else KINDS["operator"]
    return KINDS.get(event.actor_kind, event.actor_kind.capitalize() or "Somebody")


def sentence(event: Told, names: Names) -> str:
    """The event in words; one nobody listed says its code and what it is about, and no more."""
    who = who_did(event, names)
    known = SENTENCES.get(event.code)
    if known is not None:
        said = known.format_map(_Words(event, names, who))
        return said[:1].upper() + said[1:]
    kind, _dot, verb = event.code.partition(".")
    if kind in EDITED and verb in VERBS:
        return f"{who} {VERBS[verb]} {_thing(event, names, kind)}{_fields(event)}"
    about = [names.of(each, key) for each, key in event.subject.items()]
    return f"{who}: {event.code}" + (f" ({', '.join(about)})" if about else "")


def _thing(event: Told, names: Names, kind: str) -> str:
    noun, named = NOUNS.get(kind, kind), names.known.get((kind, str(event.subject.get(kind))))
    return f"{noun} “{named}”" if named else f"{noun} {event.subject.get(kind, '')}".strip()


def _fields(event: Told) -> str:
    fields = [str(each).replace("_", " ") for each in event.changed.get("fields") or []]
    rows = len(event.changed.get("rows") or [])
    parts = [*fields[:6], *(["more"] if len(fields) > 6 else []), *([f"{rows} row{'' if rows == 1 else 's'} of it"] if rows else [])]
    return f": {', '.join(parts)}" if parts else ""


class _Words(dict[str, str]):
    """The words of one event, made when a sentence asks for them."""

    def __init__(self, event: Told, names: Names, who: str) -> None:
        super().__init__()
        self.event, self.names, self.who = event, names, who

    def __missing__(self, word: str) -> str:
        event, names, changed = self.event, self.names, self.event.changed
        match word:
            case "who":
                return self.who
            case "ticket":
                return names.of("ticket", event.ticket_id) if event.ticket_id else "a ticket"
            case "assignee":
                return names.of("member", changed["assignee"]) if changed.get("assignee") else "nobody"
            case "queue":
                return names.of("queue", changed.get("queue") or event.subject.get("queue"))
            case "available":
                return "takes new work" if changed.get("is_available") else "takes no new work"
            case "from_to":
                return _from_to(changed.get("role"))
            case "sessions":
                count = changed.get("sessions") or 1
                return "a session" if count == 1 else f"{count} sessions"
            case "switched":
                reach = changed.get("tool") or "the whole agent"
                return f"stopped {reach}" if changed.get("is_on") else f"let {reach} run again"
            case "version_number":
                return f" as v{changed['number']}" if changed.get("number") else ""
            case "environment":
                return " in the test environment" if changed.get("environment") == "test" else ""
            case "held":
                return names.of("customer", event.subject["customer"]) if event.subject.get("customer") else self["ticket"]
            case "thing":
                kinds = [kind for kind in ("queue", "channel", "agent") if kind in event.subject]
                return names.of(kinds[0], event.subject[kinds[0]]) if kinds else "something private"
        return names.of(word, event.subject[word]) if word in event.subject else f"a {NOUNS.get(word, word)}"


def _from_to(pair: Any) -> str:
    return f" from {pair[0]} to {pair[1]}".replace("_", " ") if isinstance(pair, list) and len(pair) == 2 else ""


def groups() -> list[tuple[str, str]]:
    """The groups of codes a reader chooses from, with the word for each."""
    return [(name, name.replace("_", " ").capitalize()) for name in sorted({code.partition(".")[0] for code in SENTENCES} | EDITED)]
