"""Which of two versions of one resource is the later one, and what the other is called."""

from datetime import UTC, datetime

from adapter.fhir.elements import Meta

Version = tuple[int, str, str]
_LONGEST = 64
"""Digits of a versionId, which is an `id`; a longer one is compared as text."""


def version(meta: Meta | None) -> Version:
    """Sorts versions of one resource: a numeric versionId, else lastUpdated, else the text of versionId."""
    if meta is None:
        return 0, "", ""
    text = meta.version_id or ""
    numeric = text.isascii() and text.isdigit() and len(text) <= _LONGEST
    return int(text) if numeric else 0, _moment(meta.last_updated), text


def _moment(text: str | None) -> str:
    """An instant in UTC, so that those of two zones compare; a text that is none stays as it is."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="microseconds") if text else ""
    except (ValueError, OverflowError):
        return text or ""


def name_of(version: Version) -> str:
    """What to call a version in a sentence."""
    return f"version {version[2]}" if version[2] else (f"of {version[1]}" if version[1] else "without version")
