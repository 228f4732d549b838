"""The five verdicts, mildest first: the strictest voice wins."""

from enum import IntEnum


class Verdict(IntEnum):
    """What becomes of a wanted call. The order is the strictness."""

    ALLOW = 0
    ASK = 1
    NEED_CONFIRMATION = 2
    NEED_IDENTITY = 3
    DENY = 4

    @property
    def code(self) -> str:
        """The verdict as rows, APIs and screens write it."""
        return self.name.lower()

    @classmethod
    def of(cls, code: str) -> "Verdict":
        """The verdict with this code.

        Raises:
            KeyError: for no verdict of ours.
        """
        return cls[code.upper()]
