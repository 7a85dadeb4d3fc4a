"""One run: what the caller wrote, checked -> the stream of screenings, with the issues gathered on the way."""

import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo

from adapter.config import Config, load_config
from adapter.eligibility.screening import Asked, Screening, screen
from adapter.eligibility.trial import Trial
from adapter.errors import Issue, UsageError
from adapter.facts.collect import Collector
from adapter.facts.model import PatientRecord
from adapter.fhir.dates import Calendar
from adapter.fhir.decode import R4_TYPES, Limits
from adapter.fhir.elements import MEDICATION_TYPES, READ
from adapter.report.progress import shown
from adapter.screen import DEFAULT_ZONE, Site, load_trial, types_of, versions_of
from adapter.sources.events import Event, Record, SamePatient
from adapter.sources.export import read
from adapter.sources.share import Share

NO_PATIENT = "no patient in the input; give FHIR R4 resources that name their patient, or Patient resources"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What the caller wrote; dates and paths are parsed, nothing else is checked. `options`: as they were written."""

    sources: tuple[str, ...]
    trial: str
    as_of: date | None = None
    anchors: dict[str, date] = field(default_factory=dict)
    complete: tuple[str, ...] = ()
    not_kept: tuple[str, ...] = ()
    config: Path | None = None
    readings: Path | None = None
    options: tuple[str, ...] = ()

    def written(self, command: str) -> str:
        """Another command for the same sources and options, ready for a shell."""
        return shlex.join(["trial-adapter", command, *self.sources, *self.options])


@dataclass(frozen=True, slots=True)
class Run:
    """A checked call with the trial loaded. `notes` are for the caller; `collector` holds the issues of the run."""

    call: Call
    trial: Trial
    asked: Asked
    limits: Limits
    config: Config
    collector: Collector
    notes: tuple[str, ...]

    def screenings(self) -> Iterator[Screening]:
        """Every patient, as the sources let him be finished."""
        stamped = versions_of(self.trial)
        for record in self.records(self.events()):
            yield screen(record, self.trial, self.asked, stamped)

    def screening_of(self, asked: str) -> Screening:
        """The one patient who is called `asked`: an id, a reference, or another of his names.

        Raises UsageError where the input does not know him.
        """
        names = Names()
        found: PatientRecord | None = None
        for record in self.records(names.noted(self.events())):
            if names.means(asked, record.patient):
                found = record
        if found is None:
            raise UsageError(f"no patient {asked!r} in the input; {names.nearest(asked)}")
        return screen(found, self.trial, self.asked, versions_of(self.trial))

    def records(self, events: Iterable[Event]) -> Iterator[PatientRecord]:
        """Every patient's record; an issue where there is none."""
        told = False
        for record in self.collector.records(events):
            told = True
            yield record
        if not told:
            self.collector.issues.append(self.nobody())

    def issues(self) -> list[Issue]:
        """The issues of the run so far, each once: errors first, then by file and line."""
        return sorted(set(self.collector.issues), key=lambda issue: (issue.severity, issue.file, issue.line, issue))

    def events(self, share: Share | None = None) -> Iterator[Event]:
        """The records of all sources, or one worker's share; what is read is counted on a terminal."""
        return shown(read(self.call.sources, self.limits, share=share))

    def nobody(self) -> Issue:
        """The issue of an input without any patient."""
        return Issue("error", "", "", NO_PATIENT, ", ".join(self.call.sources))


def start(call: Call) -> Run:
    """Checks a call and loads what it needs. Raises UsageError or MappingError."""
    config = load_config(call.config)
    check_sources(call.sources)
    site = site_of(config)
    complete = types_of(_types(call.complete, "--complete", ("all",)))
    not_kept = {*_types(call.not_kept, "--not-kept"), *_types(config.not_kept, "not-kept of the configuration")}
    trial = load_trial(call.trial, decisions=call.readings or config.readings, site=site)
    asked = Asked(call.as_of or today(site.zone), call.anchors, frozenset(not_kept))
    collector = Collector(trial.vocabulary(Calendar(site.zone)), complete)
    return Run(call, trial, asked, limits_of(config), config, collector, tuple(_excusing_nothing(not_kept)))


def site_of(config: Config) -> Site:
    """The site as the engine takes it."""
    for path in config.concept_maps:
        if not path.is_file():
            raise UsageError(f"concept-maps of the configuration: {path} is not there; correct its path")
    return Site(config.time_zone or ZoneInfo(DEFAULT_ZONE), config.concept_maps)


def limits_of(config: Config) -> Limits:
    """The limits as the sources take them."""
    usual = Limits()
    return Limits(
        config.line_bytes or usual.resource, config.document_bytes or usual.document, config.depth or usual.depth
    )


def today(zone: ZoneInfo) -> date:
    """The only look at the clock: the day at the site."""
    return datetime.now(zone).date()


def check_sources(sources: Iterable[str]) -> None:
    """Refuses what is no file, folder or `-`, before anything is read."""
    for source in sources:
        if source.lower().startswith(("http://", "https://")):
            raise UsageError("a server as SOURCE comes with the sync; give an exported file or folder instead")
        if source == "-" and sys.stdin.isatty():
            raise UsageError("nothing is piped into standard input; pipe FHIR JSON into it, or name a file or folder")
        if source != "-" and not Path(source).exists():
            raise UsageError(f"{source} does not exist; name a file, a folder, or - for standard input")


def _types(written: Iterable[str], option: str, more: tuple[str, ...] = ()) -> list[str]:
    """Resource types, comma separated and given once or often."""
    written = tuple(written)
    names = [name.strip() for text in written for name in text.split(",") if name.strip()]
    if written and not names:
        raise UsageError(f"{option}: write resource types such as Condition,Procedure{' or all' if more else ''}")
    for name in names:
        if name not in R4_TYPES and name not in more:
            raise UsageError(f"{option}: no resource type is called {name!r}; write {_near(name, more)}")
    return names


def _near(name: str, more: tuple[str, ...]) -> str:
    by_fold = {known.casefold(): known for known in (*sorted(R4_TYPES - READ.keys()), *READ, *more)}
    if name.casefold() in by_fold:
        return by_fold[name.casefold()]
    near = [by_fold[fold] for fold in get_close_matches(name.casefold(), by_fold, 3)]
    near.sort(key=lambda known: known not in READ and known not in more)
    return " or ".join(near[:2] or [*more, "types such as Condition,Procedure"])


def _excusing_nothing(not_kept: Iterable[str]) -> Iterator[str]:
    for name in sorted(not_kept):
        if name not in MEDICATION_TYPES:
            known = ", ".join(MEDICATION_TYPES)
            yield f"--not-kept {name} is no medication type and excuses nothing; it is meant for {known}"


@dataclass(slots=True)
class Names:
    """The names of patients as they stream by; merged records, fullUrls and identifiers lead to one of them."""

    other: dict[str, str] = field(default_factory=dict)
    leading: dict[str, list[str]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def noted(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, SamePatient):
                self._note(event.key, event.survivor)
            elif isinstance(event, Record) and event.type == "Patient":
                for name in event.also:
                    self._note(name, event.reference)
            yield event

    def _note(self, name: str, patient: str) -> None:
        if name != patient:
            self.other[name] = patient
            self.leading.setdefault(patient, []).append(name)

    def all_of(self, patient: str) -> list[str]:
        """Every name that leads to the patient, his own first."""
        found = [patient]
        for name in found:
            found += [other for other in self.leading.get(name, ()) if other not in found]
        return found

    def means(self, asked: str, patient: str) -> bool:
        """Whether what the caller wrote is this patient."""
        self.seen.append(patient)
        return any(self._followed(name) == patient for name in (asked, f"Patient/{asked}"))

    def nearest(self, asked: str) -> str:
        """What the caller may have meant."""
        if not self.seen:
            return "nor any other patient"
        near = get_close_matches(asked, self.seen, 3) or get_close_matches(f"Patient/{asked}", self.seen, 3)
        return f"write {' or '.join(near or sorted(self.seen)[:3])}"

    def _followed(self, name: str) -> str:
        for _ in range(len(self.other)):
            if name not in self.other:
                break
            name = self.other[name]
        return name
