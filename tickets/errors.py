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


class SomebodyElse(Refusal):
    """Another person than the one the ticket belongs to proved an address; `email` is theirs."""

    code = "somebody_else"

    def __init__(self, text: str, *, email: str) -> None:
        super().__init__(text)
        self.email = email


class NotSigned(Refusal):
    """A signed identity that is none: expired, replayed, foreign, forged or malformed; says nothing about which."""

    code = "not_signed"
