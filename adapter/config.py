"""What a site sets once: one TOML file, named by `--config` or by the variable TRIAL_ADAPTER_CONFIG.

time-zone = "Asia/Shanghai"            # whose calendar days are counted
not-kept = ["MedicationDispense"]      # medication types that the site does not keep
concept-maps = ["codes/lis.json"]      # ConceptMap files, beside this file or with a full path
readings = "readings.yaml"             # the site's signed readings: id, in-force, decided-by, decided-on

[[identifiers]]                        # registry number, sponsor's number: written into the ResearchStudy
trial = "ln-msc-il2"
system = "https://registry.example"
value = "..."

[limits]
depth = 64                             # levels of nesting in one resource
line-bytes = 67108864                  # bytes of one resource or line
document-bytes = 1073741824            # bytes of one JSON file
"""

import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapter.errors import UsageError

VARIABLE = "TRIAL_ADAPTER_CONFIG"
SECTIONS = ("server", "auth", "cohort", "store", "sync", "hooks", "notifications", "mail")
"""What `adapter.connection` reads."""
_KEYS = ("time-zone", "not-kept", "concept-maps", "readings", "identifiers", "limits")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StudyIdentifier:
    """A number that a registry or sponsor gave a trial."""

    trial: str
    system: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A site's settings; None and empty stand for what the program does by itself."""

    time_zone: ZoneInfo | None = None
    not_kept: tuple[str, ...] = ()
    concept_maps: tuple[Path, ...] = ()
    readings: Path | None = None
    identifiers: tuple[StudyIdentifier, ...] = ()
    depth: int | None = None
    line_bytes: int | None = None
    document_bytes: int | None = None


def load_config(path: Path | None = None) -> Config:
    """The settings of `path`, else of the file that TRIAL_ADAPTER_CONFIG names, else none.

    Raises UsageError with file and key for whatever is wrong.
    """
    named = path or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    return _settings(_table(named), named) if named else Config()


def _table(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; name a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None


def _settings(table: dict[str, object], path: Path) -> Config:
    _check_keys(table, (*_KEYS, *SECTIONS), path, "")
    limits = _typed(table, "limits", dict, "a table: write [limits]", path) or {}
    _check_keys(limits, ("depth", "line-bytes", "document-bytes"), path, "limits.")
    readings = _typed(table, "readings", str, 'a file name such as "readings.yaml"', path)
    config = Config(
        time_zone=_zone(_typed(table, "time-zone", str, 'a name such as "Asia/Shanghai"', path), path),
        not_kept=_texts(table, "not-kept", path),
        concept_maps=tuple(path.parent / name for name in _texts(table, "concept-maps", path)),
        readings=path.parent / readings if readings else None,
        identifiers=_identifiers(table, path),
    )
    found = {key.replace("-", "_"): _positive(limits, key, path) for key in limits}
    return replace(config, **found)  # type: ignore[arg-type]


def _check_keys(table: dict[str, object], known: tuple[str, ...], path: Path, inside: str) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, 1) or [", ".join(known)]
            raise UsageError(f"{path}: no setting is called {inside}{key}; write {near[0]}")


def _typed(table: dict[str, object], key: str, kind: type[T], wanted: str, path: Path) -> T | None:
    value = table.get(key)
    if value is not None and not isinstance(value, kind):
        raise UsageError(f"{path}: {key} must be {wanted}")
    return value


def _texts(table: dict[str, object], key: str, path: Path) -> tuple[str, ...]:
    values = _typed(table, key, list, 'a list of names such as ["..."]', path) or []
    if not all(isinstance(value, str) for value in values):
        raise UsageError(f'{path}: {key} must be a list of names such as ["..."]')
    return tuple(values)


def _identifiers(table: dict[str, object], path: Path) -> tuple[StudyIdentifier, ...]:
    wanted = 'a list of tables: write [[identifiers]] with trial = "...", system = "..." and value = "..."'
    rows = _typed(table, "identifiers", list, wanted, path) or []
    found = []
    for row in rows:
        if not isinstance(row, dict) or row.keys() != {"trial", "system", "value"} or not _are_texts(row.values()):
            raise UsageError(f"{path}: identifiers must be {wanted}")
        found.append(StudyIdentifier(**row))
    return tuple(found)


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) and value.strip() for value in values)


def _positive(limits: dict[str, object], key: str, path: Path) -> int:
    value = limits[key]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"{path}: limits.{key} must be a whole number above 0")
    return value


def _zone(name: str | None, path: Path) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"{path}: no time-zone is called {name!r}; write one such as Asia/Shanghai") from None
