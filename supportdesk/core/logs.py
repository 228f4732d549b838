"""Logs say what happened, never who said what: tokens, codes and addresses are blotted out."""

import logging
import re

SECRETS = re.compile(r"(?i)\b(bearer|token|password|secret|authorization|api[-_]?key)(['\"]?\s*[:=]\s*|\s+)(['\"]?)[^\s'\",;]{6,}")
EMAILS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")


def redacted(text: str) -> str:
    """The text without what looks like a secret or an address."""
    return EMAILS.sub("[email]", SECRETS.sub(r"\1\2[redacted]", text))


class Redact(logging.Filter):
    """Blots secrets out of each record before a handler writes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record's message; always lets it through."""
        record.msg, record.args = redacted(record.getMessage()), None
        return True
