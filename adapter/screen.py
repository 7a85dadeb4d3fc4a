"""The way through for one question: sources -> facts -> eligibility. The command line and later callers are thin
readers of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from adapter.eligibility.context import Setting
from adapter.eligibility.screening import Asked, Screening, screen
from adapter.eligibility.trial import Trial, load_trial_folder
from adapter.errors import MappingError, UsageError
from adapter.facts.collect import Collector
from adapter.fhir.dates import Calendar
from adapter.fhir.files import data_dir
from adapter.fhir.schemas import trial_faults
from adapter.fhir.tables import Tables, load_tables
from adapter.sources.bundle import read_document
from adapter.sources.events import Event

DEFAULT_ZONE = "Asia/Shanghai"
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Site:
    """What a site sets: its time zone, its own ConceptMaps, the medication types that it does not keep."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo(DEFAULT_ZONE))
    concept_maps: tuple[Path, ...] = ()
    not_kept: frozenset[str] = frozenset()


@lru_cache(maxsize=8)
def shipped_tables(root: Path | None = None, concept_maps: tuple[Path, ...] = ()) -> Tables:
    """The mappings, loaded once per process."""
    return load_tables(root, concept_maps)


def load_trial(
    trial: str | Path = "ln-msc-il2",
    *,
    readings: Mapping[str, Setting] | None = None,
    decisions: Path | None = None,
    site: Site | None = None,
) -> Trial:
    """A shipped trial by its id, or a trial folder by its path. `decisions` is a site's file of signed
    readings, `readings` replaces options in force (a what-if).

    Raises UsageError for a trial that is not there, MappingError for one that is wrong.
    """
    tables = shipped_tables(None, (site or Site()).concept_maps)
    folder = trial if isinstance(trial, Path) else data_dir() / "mappings" / "trials" / trial
    if not isinstance(trial, Path) and not folder.is_dir() and Path(trial).is_dir():
        folder = Path(trial)
    if not (folder / "criteria.yaml").is_file():
        shipped = sorted(p.parent.name for p in (data_dir() / "mappings" / "trials").glob("*/criteria.yaml"))
        raise UsageError(f"no trial {str(trial)!r}; write one of {', '.join(shipped)}, or the path of a trial folder")
    loaded = load_trial_folder(folder, tables, readings, decisions)
    if folder.parent != data_dir() / "mappings" / "trials":  # the tests have checked the shipped ones
        for fault in trial_faults(folder):
            raise MappingError(fault)
    return loaded


def screen_bundle(
    data: bytes | Mapping[str, object],
    trial: Trial,
    *,
    as_of: date,
    consent_date: date | None = None,
    screening_date: date | None = None,
    randomisation_date: date | None = None,
    complete: Iterable[str] = (),
    not_kept: Iterable[str] = (),
    site: Site | None = None,
) -> list[Screening]:
    """Screens the patients of one FHIR document (a Bundle or a single resource), in the order of their ids.

    `complete`: the resource types that were read completely, or "all". `not_kept`: medication types the site does
    not keep.
    """
    anchors = {"consent": consent_date, "screening": screening_date, "randomisation": randomisation_date}
    given = {name: day for name, day in anchors.items() if day}
    asked = Asked(as_of, given, frozenset(not_kept) | (site or Site()).not_kept)
    raw = data if isinstance(data, bytes) else _ENCODER.encode(data)
    return list(screen_events(read_document(raw), trial, asked, complete=types_of(complete), site=site))


def screen_events(
    events: Iterable[Event],
    trial: Trial,
    asked: Asked,
    *,
    complete: frozenset[str] = frozenset(),
    site: Site | None = None,
    collector: Collector | None = None,
) -> Iterator[Screening]:
    """Screenings of a stream of records. `collector.issues` holds the issues of the run once the stream has ended."""
    vocabulary = trial.vocabulary(Calendar((site or Site()).zone))
    gathering = collector or Collector(vocabulary, complete)
    stamped = versions_of(trial)
    for record in gathering.records(events):
        yield screen(record, trial, asked, stamped)


def types_of(complete: Iterable[str]) -> frozenset[str]:
    """The declared types; `all` stands for every type."""
    names = [complete] if isinstance(complete, str) else list(complete)
    return frozenset("*" if name == "all" else name for name in names)


def versions_of(trial: Trial) -> dict[str, str]:
    """What a screening was made with: the program, the mappings, the trial and the readings in force."""
    return {
        "program": program_version(),
        "mappings": trial.tables.digest,
        "trial": trial.digest,
        "readings": trial.readings_digest,
    }


@lru_cache(maxsize=1)
def program_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("trial-adapter")
    except PackageNotFoundError:
        return "0+unknown"
