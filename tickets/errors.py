"""What the verbs refuse, in words a screen may show."""


class Refusal(Exception):
    """A verb that was not done; `code` is stable for machines, the text says what to do instead."""

    code = "refused"


class Unacceptable(Refusal):
    """Input that cannot be stored."""

    code = "unacceptable"


class AlreadyTaken(Refusal):
    """Another teammate has the ticket."""

    code = "already_taken"


class NotYours(Refusal):
    """The AI agent or another teammate has the ticket: take it over first."""

    code = "not_yours"


class Stale(Refusal):
    """The AI lost the ticket meanwhile: a newer message, a takeover or a newer run."""

    code = "stale"


class WrongCode(Refusal):
    """The one-time code is wrong, used, expired, or tried too often."""

    code = "wrong_code"
