"""A folder of FHIR files: what it holds, and how it changes as a whole or not at all.

resources   <Type>/<id>.json
ndjson      <Type>.ndjson
bundle      study.json, <ResearchSubject id>.json a patient, candidates.json: transaction Bundles
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, cast
from uuid import UUID, uuid5

import msgspec

from adapter.errors import UsageError
from adapter.resources.reconcile import Change
from adapter.resources.shape import Resource, encoded, key_of, pretty
from adapter.resources.transaction import transaction

Form = Literal["resources", "bundle", "ndjson"]
_DECODE = msgspec.json.Decoder(float_hook=Decimal).decode
_MOST = 1 << 28


@dataclass(frozen=True, slots=True)
class Batch:
    """Resources that are written together: the study, one patient, or the List. `name` is the file of its Bundle."""

    name: str
    changes: tuple[Change, ...]


def held_in(folder: Path | None) -> dict[str, Resource]:
    """Every resource of the folder's JSON and NDJSON files, by `Type/id`; Bundles are opened.

    Raises UsageError for a file that is no FHIR: the folder must be this program's own.
    """
    found: dict[str, Resource] = {}
    if folder is None or not folder.is_dir():
        return found
    for path in sorted((*folder.rglob("*.json"), *folder.rglob("*.ndjson"))):
        for resource in _resources(path):
            found[key_of(resource)] = resource
    return found


def _resources(path: Path) -> Iterator[Resource]:
    try:
        if path.stat().st_size > _MOST:
            raise UsageError(f"{path} is larger than 256 MB; --out must be a folder of this program's own")
        text = path.read_bytes()
        many = text.splitlines() if path.suffix == ".ndjson" else [text]
        for one in many:
            yield from _opened(_DECODE(one), path)
    except (msgspec.DecodeError, RecursionError):
        raise UsageError(f"{path} is no FHIR JSON; --out must be a folder of this program's own") from None


def _opened(document: Any, path: Path) -> Iterator[Resource]:
    kind = document.get("resourceType") if isinstance(document, dict) else None
    if kind == "Bundle":
        for entry in document.get("entry") or ():
            yield from _opened(entry.get("resource") if isinstance(entry, dict) else None, path)
    elif isinstance(kind, str) and isinstance(document.get("id"), str):
        yield cast(Resource, document)
    else:
        raise UsageError(f"{path} is no FHIR resource with an id; --out must be a folder of this program's own")


def files_of(batches: Sequence[Batch], held: Mapping[str, Resource], form: Form, space: UUID) -> dict[str, bytes]:
    """The files that change, by their names in the folder; none where nothing changes. `space`: of Bundle ids."""
    changed = [change for batch in batches for change in batch.changes if change.writes]
    if not changed:
        return {}
    if form == "resources":
        return {f"{key_of(c.resource)}.json": pretty(c.resource) for c in changed}
    if form == "ndjson":
        return _ndjson(changed, held)
    return {
        f"{batch.name}.json": pretty(bundle_of(batch, held, space))
        for batch in batches
        if any(change.writes for change in batch.changes)
    }


def bundle_of(batch: Batch, held: Mapping[str, Resource], space: UUID) -> Resource:
    """The transaction of a batch. What a person edited stands in it as he left it, so that the file stays whole."""
    resources = [c.held if c.action == "kept" and c.held else c.resource for c in batch.changes]
    return transaction(uuid5(space, batch.name), resources, held)


def _ndjson(changed: Sequence[Change], held: Mapping[str, Resource]) -> dict[str, bytes]:
    """The files of the types that change, with everything that the folder holds of them, sorted by id."""
    kinds = {str(change.resource["resourceType"]) for change in changed}
    after = dict(held) | {key_of(change.resource): change.resource for change in changed}
    files: dict[str, bytes] = {}
    for kind in sorted(kinds):
        keys = sorted(key for key in after if key.startswith(f"{kind}/"))
        files[f"{kind}.ndjson"] = b"".join(encoded(after[key]) + b"\n" for key in keys)
    return files


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """All of the files or none: each is written beside its place and made durable, then all are renamed.

    Raises OSError where the folder cannot be written.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.{os.getpid()}.part")
            staged.append((beside, path))
            with beside.open("xb") as sink:
                sink.write(content)
                sink.flush()
                os.fsync(sink.fileno())
        for beside, path in staged:
            beside.replace(path)
    except BaseException:
        for beside, _ in staged:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
        raise
