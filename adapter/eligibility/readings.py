"""The readings of a trial: what the protocol leaves open, the option in force, and who signed it.

`readings.yaml` ships unsigned. A site signs in a file of its own (`readings` of its configuration, or
`--readings`): a list of `id`, `in-force`, `decided-by`, `decided-on`.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import msgspec

from adapter.eligibility.context import Setting
from adapter.errors import MappingError, UsageError
from adapter.fhir.files import load_yaml
from adapter.fhir.tables import convert

_NUMBERS = ("days", "percent", "courses")


class ReadingEntry(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """One ambiguous phrase: its options, the one in force (None: no default, somebody must decide), and who decided."""

    id: str
    phrase: str
    question: str
    options: dict[str, str]
    in_force: Setting | None
    decided_by: str | None = None
    decided_on: str | None = None

    def signed_by(self, day: date) -> bool:
        """Whether somebody has put name and date to the option in force, on that day or before."""
        named = self.in_force is not None and bool((self.decided_by or "").strip())
        return named and _is_day(self.decided_on) and date.fromisoformat(self.decided_on or "") <= day


class _Decision(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    id: str
    in_force: Setting
    decided_by: str
    decided_on: str


def load_readings(path: Path, decisions: Path | None, replaced: Mapping[str, Setting]) -> tuple[ReadingEntry, ...]:
    """The readings with a site's decisions, then with what a what-if replaces (which nobody has signed).

    Raises MappingError with file and line, UsageError for a wrong what-if.
    """
    document, lines = load_yaml(path)
    entries = convert(document, tuple[ReadingEntry, ...], path)
    unique([entry.id for entry in entries], path)
    for index, entry in enumerate(entries):
        if entry.in_force is not None and not _allowed(entry, entry.in_force):
            raise MappingError(f"{path}:{lines[(index, 'in-force')]}: {_no_option(entry, entry.in_force)}")
    known = {entry.id: entry for entry in entries}
    if decisions is not None:
        known.update(_decided(decisions, known))
    for name, option in replaced.items():
        if name not in known:
            raise UsageError(f"no reading is called {name!r}; write one of {', '.join(sorted(known))}")
        if not _allowed(known[name], option):
            raise UsageError(f"reading {_no_option(known[name], option)}")
        known[name] = msgspec.structs.replace(known[name], in_force=option, decided_by=None, decided_on=None)
    return tuple(known.values())


def _decided(path: Path, known: Mapping[str, ReadingEntry]) -> dict[str, ReadingEntry]:
    """The entries that a site's file decides; it may decide only what the trial leaves open."""
    document, lines = load_yaml(path)
    rows = convert(document, tuple[_Decision, ...], path)
    unique([row.id for row in rows], path)
    found = {}
    for index, row in enumerate(rows):
        if row.id not in known:
            raise MappingError(f"{path}:{lines[(index, 'id')]}: no reading is called {row.id!r} in this trial")
        if not _allowed(known[row.id], row.in_force):
            raise MappingError(f"{path}:{lines[(index, 'in-force')]}: {_no_option(known[row.id], row.in_force)}")
        if not row.decided_by.strip() or not _is_day(row.decided_on):
            raise MappingError(f"{path}:{lines[(index, 'id')]}: {row.id}: decided-by is a name, decided-on YYYY-MM-DD")
        found[row.id] = msgspec.structs.replace(
            known[row.id], in_force=row.in_force, decided_by=row.decided_by, decided_on=row.decided_on
        )
    return found


def in_force(entries: Iterable[ReadingEntry]) -> dict[str, Setting]:
    """Name -> option of the readings that have one."""
    return {entry.id: entry.in_force for entry in entries if entry.in_force is not None}


def readings_digest(options: Mapping[str, Setting]) -> str:
    """`sha256:` over the options in force."""
    return f"sha256:{hashlib.sha256(msgspec.json.encode(sorted((k, str(v)) for k, v in options.items()))).hexdigest()}"


def _no_option(entry: ReadingEntry, option: Setting) -> str:
    return f"{entry.id}: {option!r} is none of its options: {', '.join(entry.options)}"


def _allowed(entry: ReadingEntry, option: Setting) -> bool:
    """A named option; a number where the options say `days`, `percent` or `courses`; two numbers for `range`."""
    text = str(option)
    if text in entry.options and text not in (*_NUMBERS, "range"):
        return True
    if "courses" in entry.options:
        return re.fullmatch(r"[1-9]\d?", text, re.ASCII) is not None
    if {"days", "percent"} & entry.options.keys():
        return text.isascii() and text.isdigit()
    return "range" in entry.options and re.fullmatch(r"\d{1,3}-\d{1,3}", text) is not None


def _is_day(text: str | None) -> bool:
    try:
        return bool(text) and len(text or "") == 10 and bool(date.fromisoformat(text or ""))
    except ValueError:
        return False


def unique(ids: list[str], path: Path) -> None:
    """Raises MappingError where an id is there twice."""
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise MappingError(f"{path}: {', '.join(twice)} is there twice; every id is used once")
