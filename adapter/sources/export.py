"""Files, folders and standard input -> events: Bundles, single resources, NDJSON by type or mixed, in any packing."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from adapter.errors import Issue, UnreadableError, UsageError
from adapter.fhir.decode import Limits, type_at_start
from adapter.sources.bundle import events_of
from adapter.sources.coverage import Manifest, Tally, covered_types, incomplete, listed_names, read_manifest
from adapter.sources.events import Covered, Event, Record
from adapter.sources.files import Content, Piece, content, opened
from adapter.sources.grouping import Grouping, last_steps
from adapter.sources.resources import Where
from adapter.sources.salvage import told_head
from adapter.sources.share import Share

_ENDINGS = (".json", ".ndjson", ".jsonl")
_PACKED = (".gz", ".zst")
_SAMPLE = 64
"""Lines looked at to tell an NDJSON file of one type from a mixed one."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or standard input (`path` None). `named`: the caller gave it by name, so it must hold something."""

    name: str
    path: Path | None
    named: bool


@dataclass(slots=True)
class _Reading:
    """What is noted while a file is read."""

    lines: int = 0
    whole: bool = True
    subjects: set[str] = field(default_factory=set)


def read(
    paths: Sequence[str], limits: Limits | None = None, stdin: BinaryIO | None = None, share: Share | None = None
) -> Iterator[Event]:
    """The events of all paths (`-` is standard input), files of a folder in the order of their names.

    `PatientDone` comes early where the input can be read twice and is grouped by patient. Raises UsageError at once
    for a path that does not exist. With a `share` of an input that is `divisible` only what is this worker's.
    """
    for path in paths:
        if path != "-" and not Path(path).exists():
            raise UsageError(f"{path} does not exist; give a file, a folder, or - for standard input")
    return _events(paths, limits or Limits(), stdin, share)


def divisible(paths: Sequence[str], limits: Limits) -> int:
    """The bytes of an export by type, which several workers can read, each for his patients; 0 for any other input."""
    sources = [source for path in dict.fromkeys(paths) for source in _sources(path)]
    if any(source.path is None or not source.path.is_file() for source in sources):
        return 0
    manifests = {source: manifest for source in sources if (manifest := _manifest(source, limits))}
    files = {source: _Reading() for source in sources if source not in manifests}
    if not _all_listed(manifests, files) or (not manifests and _may_be_grouped(list(files), limits)):
        return 0  # what is covered depends on who stands in which file, or patients are done early
    return sum(_size(source.path) for source in files if source.path)


def _size(path: Path) -> int:
    """The bytes of a file, about, when it is unpacked."""
    return path.stat().st_size * (8 if path.name.lower().endswith(_PACKED) else 1)


def _events(paths: Sequence[str], limits: Limits, stdin: BinaryIO | None, share: Share | None) -> Iterator[Event]:
    sources: list[Source] = []
    for path in dict.fromkeys(paths):
        found = list(_sources(path))
        if not found:
            yield Issue("error", "", "", "a folder without FHIR: no .json, .ndjson or .jsonl file in it", path)
        sources += found
    manifests = {source: manifest for source in sources if (manifest := _manifest(source, limits))}
    files = [source for source in sources if source not in manifests]
    grouping = Grouping(None if manifests or share else _first_look(files, limits))
    readings = {source: _Reading() for source in files}
    all_listed = _all_listed(manifests, readings)
    step = 0
    for source, reading in readings.items():
        for events in _steps(source, limits, stdin, reading, share):
            for event in events:
                yield event
                if grouping.last is not None:
                    grouping.see(event)
                if not all_listed and isinstance(event, Record) and event.subject:
                    reading.subjects.add(event.subject)
            if grouping.last is not None:
                yield from grouping.done(step)
            step += 1
    for source, manifest in manifests.items():
        yield from _declared(source, manifest, readings)


def _sources(path: str) -> Iterator[Source]:
    if path == "-":
        yield Source("standard input", None, True)
    elif not Path(path).is_dir():
        yield Source(path, Path(path), True)
    else:
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                file = Path(folder, name)
                if _is_candidate(file):
                    yield Source(str(file), file, False)


def _is_candidate(file: Path) -> bool:
    name = file.name.lower()
    if name.startswith(".") or not file.is_file():
        return False
    for ending in _PACKED:
        name = name.removesuffix(ending)
    return name.endswith(_ENDINGS) or ("." not in name and _looks_like_json(file))


def _looks_like_json(file: Path) -> bool:
    try:
        with opened(file) as stream:
            return stream.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"
    except (OSError, EOFError):
        return False


def _steps(
    source: Source, limits: Limits, stdin: BinaryIO | None, reading: _Reading, share: Share | None = None
) -> Iterator[Iterable[Event]]:
    """The events of each line or document of a source; what keeps it from being read is an issue, not an exception."""
    where = Where(source.name, limits)
    try:
        with opened(source.path, stdin) as stream:
            found = content(stream, limits)
            if found is None and source.named:
                yield (Issue("error", "", "", "empty", source.name),)
            for line, data in found.pieces if found else ():
                reading.lines += 1
                if share is None:
                    yield events_of(data, where, line)
                elif (reader := share.reader(data)) in (None, share.number):
                    yield share.kept(events_of(data, where, line), reader is None)
    except UnreadableError as fault:
        reading.whole = False
        yield (Issue("error", "", fault.path, fault.problem, source.name),)
    except OSError as error:
        reading.whole = False
        yield (Issue("error", "", "", f"cannot be read: {error.strerror or error}", source.name),)


def _first_look(sources: Sequence[Source], limits: Limits) -> dict[str, int] | None:
    """The last step of each patient, None where a first look is not possible or would not help.

    It helps for several documents and for mixed NDJSON. An export by type ends with records of its first patient.
    """
    if any(source.path is None or not source.path.is_file() for source in sources):
        return None
    if not _may_be_grouped(sources, limits):
        return None
    return last_steps(step for source in sources for step in _steps(source, limits, None, _Reading()))


def _may_be_grouped(sources: Sequence[Source], limits: Limits) -> bool:
    """Whether there are two documents, or NDJSON of several types or of Bundles."""
    documents = 0
    for source in sources:
        try:
            with opened(source.path) as stream:
                found = content(stream, limits)
                types = {_type(data) for _, data in islice(found.pieces, _SAMPLE)} if found else set()
        except (UnreadableError, OSError):
            continue
        documents += found is not None and found.is_document
        if documents > 1 or len(types) > 1 or (types == {"Bundle"} and not (found and found.is_document)):
            return True
    return False


def _type(data: bytes) -> str | None:
    return type_at_start(data) or told_head(data).type


def _manifest(source: Source, limits: Limits) -> Manifest | None:
    """The manifest that a file is, None for any other file. Its name must say so; its content decides."""
    if source.path is None or not source.path.name.lower().startswith("manifest"):
        return None
    try:
        with opened(source.path) as stream:
            found: Content | None = content(stream, limits)
            data: Piece | None = next(found.pieces, None) if found and found.is_document else None
    except (UnreadableError, OSError):
        return None
    return read_manifest(data[1]) if data else None


def _declared(source: Source, manifest: Manifest, readings: dict[Source, _Reading]) -> Iterator[Event]:
    """What an export covers: everybody, if it is all that was read; else the patients that its files name."""
    if manifest.refused:
        yield Issue("note", "", "", f"the manifest covers nothing: {manifest.refused}", source.name)
        return
    files = {output.url: _listed(source, output.url, readings) for output in manifest.outputs}
    tallies = {url: Tally(readings[file].lines, readings[file].whole) if file else None for url, file in files.items()}
    for name, problem in incomplete(manifest, tallies):
        yield Issue("error", "", "", problem, str(Path(source.name).with_name(name)))
    types = covered_types(manifest, tallies)
    if not types:
        return
    own = {file for file in files.values() if file}
    if own == readings.keys():
        yield Covered(types, None)
        return
    for subject in sorted({subject for file in own for subject in readings[file].subjects}):
        yield Covered(types, subject)


def _all_listed(manifests: dict[Source, Manifest], readings: dict[Source, _Reading]) -> bool:
    """Whether each manifest lists all files, so that nobody needs to know who stands in which of them."""
    return all(
        {_listed(source, output.url, readings) for output in manifest.outputs} >= readings.keys()
        for source, manifest in manifests.items()
    )


def _listed(source: Source, url: str, readings: dict[Source, _Reading]) -> Source | None:
    """The file that a URL of the manifest was saved as: beside the manifest, or below it."""
    assert source.path is not None
    folder = source.path.parent
    below = [file for file in readings if file.path and folder in file.path.parents]
    for name in listed_names(url):
        for file in sorted(below, key=lambda f: (len(f.name), f.name)):
            if file.path and file.path.name == name:
                return file
    return None
