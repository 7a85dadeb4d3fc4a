"""The rules of a screening, packed, so that it can be made again when the files have long changed."""

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import zstandard
from sqlalchemy import Connection, insert, select

from adapter.eligibility.trial import Trial, load_trial_folder
from adapter.errors import StoreError
from adapter.fhir.files import data_dir
from adapter.fhir.tables import load_tables
from adapter.screen import versions_of
from adapter.store.tables import rules

_ASIDE = "trials"


class Rules(msgspec.Struct, frozen=True):
    """Everything beside the records that a screening depends on."""

    trial: Trial
    zone: ZoneInfo
    not_kept: frozenset[str] = frozenset()
    anchors: Mapping[str, date] = msgspec.field(default_factory=dict)
    concept_maps: tuple[Path, ...] = ()
    readings: Path | None = None


class _Site(msgspec.Struct, frozen=True):
    trial: str
    zone: str
    not_kept: tuple[str, ...]
    anchors: dict[str, date]
    digests: dict[str, str]


def digest_of(found: Rules) -> str:
    """What names these rules: it changes with every file and setting, and with nothing else."""
    return f"sha256:{hashlib.sha256(_site(found)).hexdigest()}"


def mapped_by(found: Rules) -> str:
    """What names everything that turns a resource into facts: the mappings, the site's own maps, its time zone."""
    maps = [hashlib.sha256(path.read_bytes()).hexdigest() for path in found.concept_maps]
    told = " ".join([found.trial.tables.digest, found.trial.id, found.zone.key, *maps])
    return f"sha256:{hashlib.sha256(told.encode()).hexdigest()}"


def keep(connection: Connection, found: Rules) -> str:
    """Stores the rules, once; their digest."""
    digest = digest_of(found)
    if connection.execute(select(rules.c.digest).where(rules.c.digest == digest)).first() is None:
        connection.execute(insert(rules).values(digest=digest, content=_packed(found)))
    return digest


@contextmanager
def kept(connection: Connection, digest: str) -> Iterator[Rules]:
    """The rules of a digest, from a folder that is there as long as they are used. StoreError: no such rules."""
    row = connection.execute(select(rules.c.content).where(rules.c.digest == digest)).first()
    if row is None:
        raise StoreError(f"the rules {digest} are not in the store; the screening cannot be made again")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with tarfile.open(fileobj=io.BytesIO(zstandard.decompress(row.content))) as pack:
            pack.extractall(root, filter="data")
        yield _loaded(root)


def _loaded(root: Path) -> Rules:
    site = msgspec.json.decode((root / "site.json").read_bytes(), type=_Site)
    maps = tuple(sorted((root / "concept-maps").glob("*")))
    readings = root / "readings.yaml"
    decisions = readings if readings.is_file() else None
    trial = load_trial_folder(root / "trial", load_tables(root / "mappings", maps), None, decisions)
    return Rules(trial, ZoneInfo(site.zone), frozenset(site.not_kept), site.anchors, maps, decisions)


def _site(found: Rules) -> bytes:
    digests = {name: value for name, value in versions_of(found.trial).items() if name != "program"}
    signed = {entry.id: f"{entry.decided_by} {entry.decided_on}" for entry in found.trial.entries}
    site = _Site(
        found.trial.id,
        found.zone.key,
        tuple(sorted(found.not_kept)),
        dict(found.anchors),
        {**digests, **signed, "mapped-by": mapped_by(found)},
    )
    return msgspec.json.encode(site, order="deterministic")


def _packed(found: Rules) -> bytes:
    files = {"site.json": _site(found)}
    files |= _folder("trial", found.trial.folder)
    files |= {
        name: data
        for name, data in _folder("mappings", data_dir() / "mappings").items()
        if not name.startswith(f"mappings/{_ASIDE}/")
    }
    files |= {f"concept-maps/{n:03d}-{path.name}": path.read_bytes() for n, path in enumerate(found.concept_maps)}
    if found.readings:
        files["readings.yaml"] = found.readings.read_bytes()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as pack:
        for name, data in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            pack.addfile(info, io.BytesIO(data))
    return zstandard.compress(packed.getvalue(), 10)


def _folder(name: str, folder: Path) -> dict[str, bytes]:
    return {
        f"{name}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
