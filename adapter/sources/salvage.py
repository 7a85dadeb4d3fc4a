"""What can still be told of JSON that cannot be decoded: its pieces, its type, its id, its patient.

Everything here looks at bytes with regular expressions and never fails; it runs only after decoding did.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from adapter.fhir.decode import meant_type
from adapter.fhir.references import key_of_text

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},:]', re.DOTALL)
_TYPE = re.compile(rb'"resourceType"\s*:\s*"([^"\\]{1,64})"')
_ID = re.compile(rb'"id"\s*:\s*"([^"\\]{1,256})"')
_SUBJECT = re.compile(rb'"(?:subject|patient)"\s*:\s*\{[^{}]*?"reference"\s*:\s*"([^"\\]+)"')
_ACTOR = re.compile(rb'"actor"\s*:\s*\{[^{}]*?"reference"\s*:\s*"([^"\\]*Patient/[^"\\]+)"')
_MENTIONED = re.compile(rb'"reference"\s*:\s*"([^"\\]*Patient/[^"\\]+)"')

_OPENING, _CLOSING = frozenset(b"{["), frozenset(b"}]")
_QUOTE, _COLON, _COMMA = b'":,'


class _Head(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    resource_type: str | None = None
    id: str | None = None


_read_head = msgspec.json.Decoder(_Head).decode


@dataclass(frozen=True, slots=True)
class Told:
    """What a text says of itself, as far as it can be told."""

    type: str | None
    id: str | None
    subject: str | None


def told(data: bytes) -> Told:
    """Type, id and patient of one resource."""
    it = told_head(data)
    return Told(it.type, it.id, f"Patient/{it.id}" if it.type == "Patient" and it.id else _subject(data))


def told_head(data: bytes) -> Told:
    """Type and id alone: of sound JSON those of the resource itself, else the first in the text."""
    try:
        head = _read_head(data)
        type_, id_ = head.resource_type, head.id
    except (ValueError, RecursionError):
        type_, id_ = _first(_TYPE, data), _first(_ID, data)
    return Told(meant_type(type_) if type_ else None, id_, None)


def told_of_all(data: bytes) -> Iterator[Told]:
    """The same of every resource in a text that cannot even be cut into resources, each of (type, patient) once."""
    starts = [found.start() for found in _TYPE.finditer(data)]
    seen = set[tuple[str | None, str | None]]()
    for start, end in pairwise([*starts, len(data)]):
        one = told(data[start:end])
        if (one.type, one.subject) not in seen:
            seen.add((one.type, one.subject))
            yield one


def _first(pattern: re.Pattern[bytes], data: bytes) -> str | None:
    found = pattern.search(data)
    return found[1].decode(errors="replace") if found else None


def _subject(data: bytes) -> str | None:
    reference = _first(_SUBJECT, data) or _first(_ACTOR, data)
    if reference is None:
        mentioned = {key_of_text(found.decode(errors="replace")) for found in _MENTIONED.findall(data)}
        return mentioned.pop() if len(mentioned) == 1 else None
    key = key_of_text(reference)
    return None if key.startswith("#") else key


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text that should be one JSON value; `whole` is False where the text ends inside it."""

    data: bytes
    whole: bool


def elements(data: bytes) -> Iterator[Piece]:
    """The elements of a JSON array, whatever is wrong inside them; the last is not whole if the text is truncated."""
    depth, start = 0, data.find(b"[") + 1
    for token in _TOKEN.finditer(data, start):
        kind = data[token.start()]
        if kind in _OPENING:
            depth += 1
        elif kind in _CLOSING:
            depth -= 1
        if depth < 0 or (depth == 0 and kind in b",}]"):
            end = token.start() if depth < 0 or kind == _COMMA else token.end()
            if piece := data[start:end].strip(b", \t\r\n"):
                yield Piece(piece, True)
            start = token.end()
        if depth < 0:
            return
    yield Piece(data[start:].strip(b", \t\r\n"), False)


def members(data: bytes) -> tuple[dict[str, Piece], int]:
    """The members of a JSON object by name, whatever is wrong inside them, and where the object ends.

    Of two members of one name the first is given; the end of an object that is not closed is -1.
    """
    found: dict[str, Piece] = {}
    name, depth, start = "", 0, -1
    for token in _TOKEN.finditer(data, data.find(b"{") + 1):
        kind = data[token.start()]
        if depth == 0 and kind == _QUOTE and start < 0:
            name = token[0][1:-1].decode(errors="replace")
        elif depth == 0 and kind == _COLON and start < 0:
            start = token.end()
        elif kind in _OPENING:
            depth += 1
        elif kind in _CLOSING:
            depth -= 1
        if (depth < 0 or (depth == 0 and kind == _COMMA)) and start >= 0:
            found.setdefault(name, Piece(data[start : token.start()].strip(), True))
            start = -1
        if depth < 0:
            return found, token.end()
    if start >= 0:
        found.setdefault(name, Piece(data[start:].strip(), False))
    return found, -1
