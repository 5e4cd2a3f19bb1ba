"""Redaction: secrets taken out of text, values that are known and shapes that tokens have.

Every text on its way to the journal, the terminal or a report goes through here. What must never
happen here: a secret in a value's `repr`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from pmcodex.errors import PmcodexError

_MASK = "***"
_SHAPES = (
    re.compile(r"\bgh[a-z]_[A-Za-z0-9]{16,}"),
    re.compile(r"\bgithub_pat_[A-Za-z0-9_]{16,}"),
    re.compile(r"\bglpat-[A-Za-z0-9_-]{16,}"),
    re.compile(r"(?<![\w-])sk-[A-Za-z0-9_-]{16,}"),
    re.compile(r"\bAKIA[A-Z0-9]{16}\b"),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+"),
    re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*KEY-----|\Z)"),
    re.compile(r"(?i)(?<=\bbearer )[\w.~+/=-]{8,}"),
    re.compile(r"(?i)(?<=authorization: )(?:basic|token|bearer) \S+"),
    re.compile(r"(?<=://)[^\s/]+(?=@)"),
    *(re.compile(rf"(?i)(?<={word}=)[^\s&\"']{{4,}}") for word in ("token", "secret", "password")),
)


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, quoted for a URL or JSON, and in the forms HTTP headers carry it in."""
    yield secret
    yield quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
    for user in ("", ":", "x-access-token:", "oauth2:"):
        yield base64.b64encode(f"{user}{secret}".encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes secrets out of text: values that are known, and shapes that tokens have."""

    secrets: tuple[str, ...] = field(default=(), repr=False)

    def clean(self, text: str) -> str:
        """The text with every secret replaced by `***`."""
        known = {form for secret in self.secrets if secret for form in _forms(secret)}
        for form in sorted(known, key=len, reverse=True):
            text = text.replace(form, _MASK)
        for shape in _SHAPES:
            text = shape.sub(_MASK, text)
        return text

    def clean_error(self, error: PmcodexError) -> PmcodexError:
        """The same error, with the secrets taken out of its words."""
        error.sentence, error.hint = self.clean(error.sentence), self.clean(error.hint)
        error.args = (error.sentence,)
        return error
