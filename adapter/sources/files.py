"""Opens a file or standard input, unpacks it, and tells by its content whether it is one JSON document or NDJSON.

Names are not trusted: a gzip stream may be called `.json`, a pretty-printed Bundle `.ndjson`.
"""

import gzip
import io
import itertools
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import zstandard

from adapter.errors import UnreadableError
from adapter.fhir.decode import Limits

BUFFER = 1 << 20
_GZIP, _ZSTD, _BOM = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf"
_LOOK_AHEAD = 8
"""Lines looked at to tell NDJSON with a broken first line from a pretty-printed document."""

_KINDS = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive (unpack it first)"),
    (b"\xff\xfe", "UTF-16 text (save it as UTF-8)"),
    (b"\xfe\xff", "UTF-16 text (save it as UTF-8)"),
    (b"<", "XML or HTML"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"PAR1", "a Parquet file"),
)

Piece = tuple[int, bytes]
"""A line's number (0 for a document as a whole) and its JSON text."""


class _Resource(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    resource_type: str | None = None


_read_resource = msgspec.json.Decoder(_Resource).decode


@dataclass(frozen=True, slots=True)
class Content:
    """The pieces of a file: one for a document, one a line for NDJSON."""

    is_document: bool
    pieces: Iterator[Piece]


@contextmanager
def opened(path: Path | None, stdin: BinaryIO | None = None) -> Iterator[io.BufferedReader]:
    """The unpacked bytes of a file, or of standard input where `path` is None, through one reused buffer."""
    if path is None:
        yield _unpacked(_buffered(stdin or sys.stdin.buffer))
        return
    with path.open("rb", buffering=BUFFER) as stream:
        yield _unpacked(_buffered(stream))


def _buffered(stream: BinaryIO) -> io.BufferedReader:
    if isinstance(stream, io.BufferedReader):
        return stream
    return io.BufferedReader(cast(io.RawIOBase, stream), BUFFER)


def _unpacked(stream: io.BufferedReader) -> io.BufferedReader:
    magic = stream.peek(4)[:4]
    if magic.startswith(_GZIP):
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=stream)), BUFFER)
    if magic == _ZSTD:
        reader = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True, closefd=False)
        return io.BufferedReader(cast(io.RawIOBase, reader), BUFFER)
    return stream


def content(stream: io.BufferedReader, limits: Limits) -> Content | None:
    """What a file holds, None if it is empty. Raises UnreadableError for what is no JSON, also while iterating."""
    lines = _lines(stream, limits)
    first = next(lines, None)
    if first is None:
        return None
    ahead = list(itertools.islice(lines, _LOOK_AHEAD))
    if not ahead and first[1][:1] in (b"{", b"["):
        return Content(True, iter([(0, first[1])]))
    if _is_json(first[1]) or any(_is_resource(line) for _, line in ahead):
        return Content(False, itertools.chain([first], ahead, lines))
    if first[1][:1] not in (b"{", b"["):
        raise UnreadableError("", f"not FHIR JSON but {_kind(first[1])}")
    return Content(True, _document(first, ahead, stream, limits))


def _lines(stream: io.BufferedReader, limits: Limits) -> Iterator[Piece]:
    """Lines that are not blank, with their numbers; only the first may be as long as a document.

    A line beyond its limit is cut right after it, so that whoever decodes it sees that it is too long.
    """
    limit = limits.document
    try:
        for number in itertools.count(1):
            line = stream.readline(limit + 1)
            if not line:
                return
            if len(line) > limit and not line.endswith(b"\n"):
                _read_over(stream)
            text = line.strip()
            if text.startswith(_BOM):
                text = text.removeprefix(_BOM).lstrip()
            if text:
                yield number, text
                limit = limits.resource
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise _broken(error) from None


def _read_over(stream: io.BufferedReader) -> None:
    """The rest of a line."""
    while (rest := stream.readline(BUFFER)) and not rest.endswith(b"\n"):
        pass


def _broken(error: Exception) -> UnreadableError:
    if isinstance(error, EOFError):
        return UnreadableError("", "the compressed file is truncated; what followed is lost")
    if isinstance(error, gzip.BadGzipFile | zlib.error | zstandard.ZstdError):
        return UnreadableError("", f"the compressed file is damaged ({error}); what followed is lost")
    return UnreadableError("", f"cannot be read: {getattr(error, 'strerror', None) or error}")


def _document(first: Piece, ahead: list[Piece], stream: io.BufferedReader, limits: Limits) -> Iterator[Piece]:
    try:
        rest = stream.read(limits.document + 1)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise _broken(error) from None
    data = b"\n".join((first[1], *(line for _, line in ahead), rest))
    if len(data) > limits.document:
        raise UnreadableError("", f"larger than {limits.document >> 20} MiB")
    yield 0, data


def _is_json(line: bytes) -> bool:
    try:
        _read_resource(line)
    except (ValueError, RecursionError):
        return False
    return True


def _is_resource(line: bytes) -> bool:
    try:
        return line.startswith(b"{") and _read_resource(line).resource_type is not None
    except (ValueError, RecursionError):
        return False


def _kind(text: bytes) -> str:
    for magic, name in _KINDS:
        if text.startswith(magic):
            return name
    return "a binary file" if b"\0" in text[:1024] else "some other text"
