"""The way out: lines kept aside until they can be sorted, and files that are whole or not there.

Raises OSError where a sink fails; the command line turns it into exit code 3.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

IN_MEMORY = 4 << 20


def _temporary() -> SpooledTemporaryFile[bytes]:
    return SpooledTemporaryFile(max_size=IN_MEMORY)  # lives as long as its Spool


@dataclass(slots=True)
class Spool:
    """Lines that come in any order and leave sorted by their key; beyond 4 MB they wait on disk, not their keys."""

    _file: SpooledTemporaryFile[bytes] = field(default_factory=_temporary)
    _index: list[tuple[str, int, int]] = field(default_factory=list)

    def add(self, key: str, line: bytes) -> None:
        """Keeps one line; lines of one key stay in the order in which they came."""
        self._index.append((key, self._file.tell(), len(line)))
        self._file.write(line)

    def items(self) -> Iterator[tuple[str, bytes]]:
        """The lines with their keys, as they came."""
        for key, offset, length in self._index:
            self._file.seek(offset)
            yield key, self._file.read(length)

    def close(self) -> None:
        """Gives the disk space back."""
        self._file.close()

    def sorted(self) -> Iterator[bytes]:
        """The lines in the order of their keys."""
        for _, offset, length in sorted(self._index):
            self._file.seek(offset)
            yield self._file.read(length)
        self._file.seek(0, os.SEEK_END)


def as_array(lines: Iterable[bytes]) -> Iterator[bytes]:
    """JSON objects as one array, an object a line."""
    yield b"["
    for number, line in enumerate(lines):
        yield b",\n" if number else b"\n"
        yield line
    yield b"\n]\n"


def as_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """JSON objects as NDJSON."""
    for line in lines:
        yield line
        yield b"\n"


def check_sink(path: Path) -> None:
    """Raises OSError early where `path` cannot become a file; what only shows while writing is told then."""
    if path.is_dir():
        raise IsADirectoryError(21, "it is a folder; name a file in it", str(path))
    folder = path.absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(2, "its folder does not exist; make it first", str(path))
    wanted = path if path.exists() and not path.is_file() else folder
    if not os.access(wanted, os.W_OK):
        raise PermissionError(13, "no permission to write there", str(path))


def write_out(chunks: Iterable[bytes], path: Path | None) -> None:
    """Writes to `path`, which is then whole or as it was, or to standard output where it is None."""
    if path is None:
        _pour(chunks, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    elif path.exists() and not path.is_file():
        with path.open("wb") as device:  # a pipe or device cannot be replaced by a file
            _pour(chunks, device)
    else:
        _write_whole(chunks, Path(os.path.realpath(path)))


def _pour(chunks: Iterable[bytes], sink: IO[bytes]) -> None:
    for chunk in chunks:
        sink.write(chunk)


def _write_whole(chunks: Iterable[bytes], path: Path) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("xb") as sink:
            _pour(chunks, sink)
            sink.flush()
            os.fsync(sink.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Makes the new name last; not every file system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
