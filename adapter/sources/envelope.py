"""The envelope of a Bundle: its links and entries, with every resource left as raw bytes.

An envelope that msgspec refuses is cut into its entries as text, so that one broken entry costs only itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from adapter.errors import UnreadableError
from adapter.sources.salvage import Piece, elements, members

T = TypeVar("T")

_NOTHING = msgspec.Raw(b"")


class Link(msgspec.Struct, frozen=True, gc=False):
    relation: str | None = None
    url: str | None = None


class Request(msgspec.Struct, frozen=True, gc=False):
    method: str | None = None
    url: str | None = None


class Search(msgspec.Struct, frozen=True, gc=False):
    mode: str | None = None


class Entry(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    full_url: str | None = None
    resource: msgspec.Raw = _NOTHING
    request: Request | None = None
    response: msgspec.Raw = _NOTHING
    search: Search | None = None


class Bundle(msgspec.Struct, frozen=True, gc=False):
    type: str | None = None
    total: int | None = None
    link: tuple[Link, ...] | None = None
    entry: tuple[Entry, ...] | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """The text of an entry that is none, and what is wrong with it. Not `whole`: the text ends inside it."""

    data: bytes
    fault: UnreadableError
    whole: bool


@dataclass(frozen=True, slots=True)
class Envelope:
    """The entries and what is needed to judge coverage.

    `fault` is what kept the Bundle from being decoded in one go, `lost` whether something of it was lost for that;
    `head_read`: type, total and links could be read.
    """

    type: str | None
    total: int | None
    links: tuple[Link, ...]
    entries: tuple[Entry | Broken, ...]
    fault: UnreadableError | None = None
    lost: bool = False
    head_read: bool = True


_decode_bundle = msgspec.json.Decoder(Bundle).decode
_decode_entry = msgspec.json.Decoder(Entry).decode


def read_envelope(data: bytes) -> Envelope:
    """The envelope of the Bundle in `data`; never fails."""
    try:
        bundle = _decode_bundle(data)
    except (ValueError, RecursionError) as error:
        return _cut(data, str(error))
    return Envelope(bundle.type, bundle.total, bundle.link or (), bundle.entry or ())


def _cut(data: bytes, problem: str) -> Envelope:
    parts, end = members(data)
    head, head_read = _decoded(_decode_bundle, parts, ("type", "total", "link"), Bundle())
    entries = tuple(_entries(parts["entry"])) if "entry" in parts else ()
    envelope = Envelope(head.type, head.total, head.link or (), entries, head_read=head_read)
    if end < 0 or any(isinstance(one, Broken) and not one.whole for one in entries):
        fault = UnreadableError("entry", "truncated: the text ends before the Bundle does; what followed is lost")
        return replace(envelope, fault=fault, lost=True, head_read=False)
    if data[end:].strip():
        fault = UnreadableError("", "more text follows after the end of the Bundle; it was not read")
        return replace(envelope, fault=fault, lost=True, head_read=False)
    return replace(envelope, fault=UnreadableError("", f"not sound JSON, read all the same: {problem}"))


def _decoded(
    decode: Callable[[bytes], T], parts: Mapping[str, Piece], names: Iterable[str], otherwise: T
) -> tuple[T, bool]:
    """The named members decoded together; `otherwise` and False where one of them is not what it should be."""
    text = b",".join(b'"%s":%s' % (name.encode(), parts[name].data) for name in names if name in parts)
    try:
        return decode(b"{%s}" % text), True
    except (ValueError, RecursionError):
        return otherwise, False


def _entries(entries: Piece) -> Iterator[Entry | Broken]:
    if entries.data == b"null":
        return
    if not entries.data.startswith(b"["):
        yield Broken(entries.data, UnreadableError("", "`entry` is no array"), entries.whole)
        return
    for piece in elements(entries.data):
        if piece.whole or piece.data:
            yield _entry(piece)


def _entry(piece: Piece) -> Entry | Broken:
    try:
        return _decode_entry(piece.data)
    except (ValueError, RecursionError) as error:
        problem = str(error)
    if not piece.whole:
        return Broken(piece.data, UnreadableError("", "truncated: the text ends inside it"), False)
    parts, end = members(piece.data)
    if not piece.data.startswith(b"{") or end < 0:
        problem = problem.replace("`", "").replace("Expected", "expected")
        return Broken(piece.data, UnreadableError("", problem), True)
    entry, _ = _decoded(_decode_entry, parts, ("fullUrl", "request", "search", "response"), Entry())
    resource = msgspec.Raw(parts["resource"].data) if "resource" in parts else _NOTHING
    return msgspec.structs.replace(entry, resource=resource)
