"""What may be told of a request and of a server's refusal: types and sentences, never a patient."""

import re
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec

from adapter.fhir.decode import R4_TYPES

_PARTS = R4_TYPES | {"_history", "_search", ".well-known", "metadata"}
_NAMES = re.compile(r"\b([A-Z][A-Za-z]{3,}/)[\w.-]+|([?|])\S+")
"""What may mean a patient in a server's sentence: the id of a reference, a query, the value of an identifier."""


def named(url: str) -> str:
    """What a URL asks for, without ids and values: `Observation`, `Observation/_search`."""
    parts = [part for part in urlsplit(url).path.split("/") if part in _PARTS or part.startswith("$")]
    return "/".join(parts[:3]) or "the base"


class _Text(msgspec.Struct):
    text: str | None = None


class _OutcomeIssue(msgspec.Struct):
    diagnostics: str | None = None
    details: _Text | None = None


class _Outcome(msgspec.Struct):
    issue: tuple[_OutcomeIssue, ...] = ()


def outcome_text(body: bytes) -> str:
    """The sentences of an OperationOutcome, shortened, without ids and values; empty where it is none."""
    with suppress(msgspec.DecodeError, RecursionError, ValueError):
        issues = msgspec.json.decode(body, type=_Outcome).issue
        told = [one.diagnostics or (one.details.text if one.details else None) for one in issues]
        return _NAMES.sub(r"\1\2…", "; ".join(text for text in told if text))[:300]
    return ""
