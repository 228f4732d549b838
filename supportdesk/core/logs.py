"""Logs say what happened, never who said what: tokens, codes and addresses are blotted out."""

import logging
import re
from collections import OrderedDict

from supportdesk.core.masking import masked

# None of these may look further the longer the text: strangers choose the paths that are logged.
SECRETS = re.compile(
    r"(?i)(bearer|token|password|passwd|secret|authorization|api[-_]?key|cookie)"
    r"(['\"]?\s*[:=]\s*|\s+)(['\"]?)((?:bearer|basic|token)\s+)?[^\s'\",;]{6,}"
)
SHORT_SECRETS = re.compile(r"(?i)((?:token|password|passwd|secret|api[-_]?key)['\"]?\s*[:=]\s*['\"]?)(?!\[redacted\])[^\s'\",;]+")
LOGINS = re.compile(r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)")
CODES = re.compile(r"(?i)(\bcode\b\D{0,12})\d{3} ?\d{3}\b")
# Paths that carry what opens something.
LINKS = re.compile(r"(/password/new/|/console/join/[\w-]{1,50}/|[?&](?:code|state)=)[^\s/?#&'\"]+")
EMAILS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.]+")
# Characters of a message and of a traceback that are kept; the end of what is longer is left out.
LONGEST = 8 * 1024
LONGEST_TRACEBACK = 64 * 1024


# Secrets this process sealed or opened lately, so that an error that quotes one bare is blotted out too.
_known: "OrderedDict[str, None]" = OrderedDict()
KNOWN = 512


def hide(secret: str) -> None:
    """Blot this text out of every log line from now on."""
    if len(secret) >= 8:
        _known[secret] = None
        _known.move_to_end(secret)
        while len(_known) > KNOWN:
            _known.popitem(last=False)


def redacted(text: str) -> str:
    """The text without what looks like a secret, a card number, a login, a one-time code or an address."""
    for secret in list(_known):
        if secret in text:
            text = text.replace(secret, "[redacted]")
    text = masked(text)
    text = LOGINS.sub("[redacted]", text)
    text = SHORT_SECRETS.sub(r"\1[redacted]", SECRETS.sub(r"\1\2[redacted]", text))
    return EMAILS.sub("[email]", LINKS.sub(r"\1[redacted]", CODES.sub(r"\1[redacted]", text)))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text) - longest} more)"


class Redact(logging.Filter):
    """Blots secrets out of each record before a handler writes it, out of its traceback too."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record's message; always lets it through."""
        record.msg, record.args = redacted(_cut(record.getMessage(), LONGEST)), None
        if record.exc_info and not record.exc_text:
            # Formatters take a text that is there already.
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        record.exc_text = redacted(_cut(record.exc_text, LONGEST_TRACEBACK)) if record.exc_text else record.exc_text
        return True
