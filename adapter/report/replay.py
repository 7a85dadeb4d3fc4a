"""`trial-adapter replay`: an old screening made again from what was known then, and compared byte by byte."""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection

from adapter.sync.rules import Rules, kept
from adapter.sync.screening import Made, at_instant, day_of, document_of, screened


class Replayed(msgspec.Struct, frozen=True):
    """A screening as it stands in the store, as it comes out now, and where the two differ."""

    made: Made
    document: bytes
    differences: tuple[str, ...]


def replayed(connection: Connection, trial: str, at: int, patient: str | None = None) -> Iterator[Replayed]:
    """Every screening that stood at an instant, from the facts, the rules and the coverage that were known for it."""
    wanted = [one for one in at_instant(connection, trial, at) if patient in (None, one.patient)]
    for digest in sorted({one.rules for one in wanted}):
        with kept(connection, digest) as rules:
            for one in wanted:
                if one.rules == digest:
                    yield _again(connection, rules, one)


def _again(connection: Connection, rules: Rules, one: Made) -> Replayed:
    found = screened(connection, rules, one.patient, day_of(one), one.known_at)
    document = document_of(found) if found is not None else b"{}"
    if document == one.document:
        return Replayed(one, document, ())
    old, new = msgspec.json.decode(one.document), msgspec.json.decode(document)
    return Replayed(one, document, tuple(_differences(old, new, "")))


def _differences(old: Any, new: Any, path: str) -> Iterator[str]:
    """The paths at which two documents differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(one, other, f"{path}[{index}]")
    elif old != new:
        yield path


def replay_lines(found: list[Replayed]) -> Iterator[str]:
    """For a person."""
    for one in found:
        told = "the same, byte for byte" if not one.differences else f"differs at {', '.join(one.differences[:5])}"
        yield f"{one.made.patient}  {one.made.status}, as of {one.made.as_of}: {told}"
