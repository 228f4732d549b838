"""The cases and the surfaces a whole row of each consists of. A test names both: `@pytest.mark.reliability(1, "pages", "api")`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One case: what is promised, where it must hold, and where it cannot yet, because the product lacks the surface."""

    promise: str
    surfaces: tuple[str, ...]
    missing: tuple[str, ...] = ()


CASES: dict[int, Case] = {
    1: Case(
        "another workspace's id is the same as none, everywhere and for every role",
        ("pages", "api", "sockets", "admin", "files", "chat", "query strings", "jobs"),
    ),
    2: Case(
        "another workspace's id in a body writes nothing, not even a link",
        ("console forms", "api bodies", "admin forms", "socket frames", "bulk"),
    ),
    3: Case("no tenant: an error or no rows, never all of them", ("jobs", "commands", "raw SQL", "roles")),
    4: Case("a table without its walls fails the build", ("catalogue", "references")),
    5: Case("no foreign passage in a prompt", ("canaries", "hostile filters", "corrupt index", "collections")),
    6: Case(
        "what tenants share tells nothing",
        ("cache keys", "channel groups", "rate limits", "file paths", "message ids", "idempotency keys", "non-interference", "twins"),
    ),
    7: Case(
        "a suspended workspace stops; rights of one never hold in another",
        ("pages", "keys", "sockets", "jobs", "two workspaces"),
        ("inbound webhooks", "mail"),
    ),
    8: Case("deny by default; hidden fields are refused", ("roles", "hidden fields")),
    9: Case("a token opens once, soon, and only what it is for", ("invites", "resets", "concurrent redeem", "other workspace")),
    10: Case(
        "nobody signs in by a claim",
        ("identity headers", "unverified mail", "issuer and subject", "look-alike domains"),
        ("verification mails in the support mailbox",),
    ),
    11: Case("rights taken are gone within 5 s", ("pages", "keys", "sockets", "exports", "streams")),
    12: Case("no guessing, no counting of people", ("lock", "enumeration", "timing", "client address", "reset flood")),
    13: Case("sensitive steps ask again who it is", ("secrets", "publishing", "limits", "exports", "approvals")),
    14: Case("a chat token opens its own ticket only", ("claims", "other places", "address log", "revoked", "closed ticket", "socket")),
    15: Case("hostile frames learn nothing and cost little", ("before hello", "after hello", "console", "origins", "memory")),
    16: Case("words prove nothing", ("words", "code", "signed identity", "expiry")),
    17: Case("customers see what is for customers", ("thread", "socket", "schema", "mails")),
    18: Case(
        "the next person at a computer sees nothing of the one before", ("shared computer", "other person", "forwarded link", "merge")
    ),
    48: Case(
        "no address field reaches the inside",
        ("fields", "targets", "rebinding", "redirects", "one door"),
        ("webhook receivers", "avatars", "knowledge crawls", "mailbox hosts"),
    ),
    66: Case(
        "who asks to be forgotten is, and who must be kept stays",
        ("messages", "traces", "vectors", "files", "logs", "jobs and cache", "schedules", "legal hold", "export", "audit"),
        ("backups", "outgoing mail of other channels"),
    ),
    # Outgoing webhooks, once there are any, read what is stored: they have nothing else to send.
    67: Case(
        "card numbers and secrets are masked before they are stored",
        ("display", "model", "logs", "attachments", "false alarms", "originals"),
    ),
    68: Case("the audit trail is whole, and tells why", ("grants", "tamper", "same transaction", "explanation", "exported heads")),
    69: Case("secrets stay sealed", ("dumps", "api and forms", "logs", "error pages", "copied ciphertext", "rotation")),
    70: Case("an unsafe start is refused", ("boot matrix", "deploy check", "lock", "advisories", "open servers", "bill of materials")),
}
