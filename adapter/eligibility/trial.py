"""Loads a trial folder: the criteria as predicates, the readings in force, and what names the study in the records.

Every sentence must occur in `protocol.txt`; whatever is wrong is told with file and line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Never, cast

import msgspec

from adapter.eligibility.context import ByReading, Setting
from adapter.eligibility.predicates.base import Predicate, Settings
from adapter.eligibility.predicates.course import Active, Course
from adapter.eligibility.predicates.dose import UnstableDose
from adapter.eligibility.predicates.fertility import Contraception, Expecting, TestsNegative
from adapter.eligibility.predicates.infection import TreatedFor, TreatedInStay
from adapter.eligibility.predicates.instrument import Instrument, Scored
from adapter.eligibility.predicates.logic import AllOf, AnyOf
from adapter.eligibility.predicates.person import Age, Attested, ConsentGiven
from adapter.eligibility.predicates.record import Diagnosed, Record
from adapter.eligibility.predicates.result import LatestNumber, Positive
from adapter.eligibility.readings import ReadingEntry, in_force, load_readings, readings_digest, unique
from adapter.eligibility.silence import Silences
from adapter.errors import MappingError
from adapter.facts.vocabulary import Study, Vocabulary
from adapter.fhir.dates import Calendar
from adapter.fhir.files import Json, Lines, digest, load_json, load_yaml, read_text
from adapter.fhir.tables import Tables, convert

PREDICATES: dict[str, type[Settings]] = {
    "record": Record,
    "diagnosed": Diagnosed,
    "course": Course,
    "active": Active,
    "latest": LatestNumber,
    "positive": Positive,
    "age": Age,
    "consented": ConsentGiven,
    "attested": Attested,
    "agrees-unless-infertile": Contraception,
    "tests-negative": TestsNegative,
    "expecting": Expecting,
    "instrument": Scored,
    "treated-for": TreatedFor,
    "treated-in-stay": TreatedInStay,
    "unstable-dose": UnstableDose,
}
"""The vocabulary of `holds`: the key that names a predicate -> its settings."""

_NAMED_FACTS = (
    "record",
    "diagnosed",
    "course",
    "active",
    "latest",
    "positive",
    "treated_for",
    "treated_in_stay",
    "unstable_dose",
)


class _Attestation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    system: str
    days: int | ByReading


class _Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    kind: Literal["inclusion", "exclusion"]
    title: str
    sentence: str
    holds: dict[str, object]


class _Criteria(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    trial: str
    title: str
    study: str
    questionnaire: str
    attestation: _Attestation
    criteria: tuple[_Criterion, ...]
    cohort: tuple[str, ...] = ()


class _Identifier(msgspec.Struct, frozen=True):
    value: str
    system: str | None = None


class _Related(msgspec.Struct, frozen=True):
    url: str | None = None


class _Study(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    identifier: tuple[_Identifier, ...] = ()
    related_artifact: tuple[_Related, ...] = ()


@dataclass(frozen=True, slots=True)
class Criterion:
    """One sentence of the protocol, whether it includes or excludes, and the predicate that tells whether it holds."""

    id: str
    kind: Literal["inclusion", "exclusion"]
    title: str
    sentence: str
    holds: Predicate


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial as loaded, with the tables it is read with. `readings` are the options in force; `cohort` are the facts
    by which a server is asked who could matter.

    `silences` is a memory: what the criteria find where a record holds nothing that they ask for.
    """

    id: str
    folder: Path
    title: str
    criteria: tuple[Criterion, ...]
    entries: tuple[ReadingEntry, ...]
    readings: Mapping[str, Setting]
    attestation_days: int | ByReading
    study: Study
    tables: Tables
    digest: str
    readings_digest: str
    cohort: tuple[str, ...] = ()
    silences: Silences = field(default_factory=Silences, init=False, repr=False, compare=False)

    def vocabulary(self, calendar: Calendar) -> Vocabulary:
        """What the mappers need to read records for this trial."""
        return Vocabulary(self.tables.terminology, self.tables.units, calendar, self.study)


def load_trial_folder(
    folder: Path, tables: Tables, readings: Mapping[str, Setting] | None = None, decisions: Path | None = None
) -> Trial:
    """The trial of a folder under `mappings/trials/`. `decisions` is a site's file of signed readings; `readings`
    replaces options in force (a what-if).
    """
    path = folder / "criteria.yaml"
    document, lines = load_yaml(path)
    source = convert(document, _Criteria, path)
    entries = load_readings(folder / "readings.yaml", decisions, readings or {})
    options = in_force(entries)
    terminology = tables.terminology.with_own(source.attestation.system)
    tables = msgspec.structs.replace(tables, terminology=terminology)
    protocol = _flat(read_text(folder / "protocol.txt"))
    loader = _Loader(path, lines, tables, options)
    criteria = tuple(loader.criterion(index, entry, protocol) for index, entry in enumerate(source.criteria))
    unique([criterion.id for criterion in criteria], path)
    loader.check_reading(source.attestation.days, ("attestation", "days"))
    loader.check_cohort(source.cohort)
    own = [p for p in folder.rglob("*") if p.is_file() and p.name != "readings.yaml"]
    return Trial(
        id=source.trial,
        folder=folder,
        title=source.title,
        criteria=criteria,
        entries=entries,
        readings=options,
        attestation_days=source.attestation.days,
        study=_study(folder / "study.json", source),
        tables=tables,
        digest=digest(own, folder),
        readings_digest=readings_digest(options),
        cohort=source.cohort,
    )


def _study(path: Path, source: _Criteria) -> Study:
    """The names under which consents may speak of this study."""
    study = load_json(path, _Study)
    names = {source.study, *(identifier.value for identifier in study.identifier)}
    names |= {f"{identifier.system or ''}|{identifier.value}" for identifier in study.identifier}
    names |= {artifact.url for artifact in study.related_artifact if artifact.url}
    return Study(source.trial, source.attestation.system, source.questionnaire, frozenset(names), source.study)


def _flat(text: str) -> str:
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class _Loader:
    """Turns entries of criteria.yaml into criteria; knows where they stand."""

    path: Path
    lines: Lines
    tables: Tables
    readings: Mapping[str, Setting]

    def criterion(self, index: int, entry: _Criterion, protocol: str) -> Criterion:
        at: tuple[str | int, ...] = ("criteria", index)
        if _flat(entry.sentence) not in protocol:
            self._fail(
                (*at, "sentence"),
                f"{entry.id}: the sentence does not stand in protocol.txt; copy it word for word",
            )
        holds = self.predicate(cast(dict[str, Json], entry.holds), (*at, "holds"), entry.id)
        return Criterion(entry.id, entry.kind, entry.title, _flat(entry.sentence), holds)

    def predicate(self, entry: Json, at: tuple[str | int, ...], name: str) -> Predicate:
        if not isinstance(entry, dict):
            self._fail(at, f"{name}: a predicate is a mapping such as {{record: ..., within: ...}}")
        if "any" in entry or "all" in entry:
            return self._tree(entry, at, name)
        keys = [key for key in entry if key in PREDICATES]
        if len(keys) != 1:
            told = ", ".join(sorted((*PREDICATES, "any", "all")))
            self._fail(at, f"{name}: exactly one key must name the predicate; it is one of {told}")
        return self._settings(entry, PREDICATES[keys[0]], at, name)

    def _tree(self, entry: dict[str, Json], at: tuple[str | int, ...], name: str) -> Predicate:
        key = "any" if "any" in entry else "all"
        extra = sorted(set(entry) - {key, "one-suffices"})
        branches = entry[key]
        if extra or not isinstance(branches, list) or not branches:
            self._fail(
                at,
                f"{name}: `{key}` wants a list of predicates that is not empty{f', not {extra}' if extra else ''}",
            )
        children = tuple(self.predicate(branch, (*at, key, n), name) for n, branch in enumerate(branches))
        reading = entry.get("one-suffices")
        if reading is not None:
            self.check_reading(ByReading(str(reading)), (*at, "one-suffices"))
        return AnyOf(children, str(reading) if reading else None) if key == "any" else AllOf(children)

    def _settings(
        self, entry: dict[str, Json], shape: type[Settings], at: tuple[str | int, ...], name: str
    ) -> Predicate:
        values: dict[str, object] = dict(entry)
        if shape is Scored:
            values["loaded"] = self._instrument(str(entry["instrument"]), at)
        try:
            settings = msgspec.convert(values, shape, strict=False)
        except msgspec.ValidationError as error:
            self._fail(at, f"{name}: {error}")
        self._check_names(settings, at, name)
        return cast(Predicate, settings)

    def _instrument(self, name: str, at: tuple[str | int, ...]) -> Instrument:
        path = self.tables.root / "instruments" / f"{name}.yaml"
        if not path.is_file():
            self._fail(at, f"no instrument {name!r}; add instruments/{name}.yaml")
        return convert(load_yaml(path)[0], Instrument, path)

    def _check_names(self, settings: Settings, at: tuple[str | int, ...], name: str) -> None:
        """Facts, units and readings that a predicate names must exist."""
        known = {spec.name: spec for spec in self.tables.terminology.specs}
        for key in _NAMED_FACTS:
            fact = getattr(settings, key, None)
            if isinstance(fact, str) and fact not in known:
                self._fail((*at, key.replace("_", "-")), f"{name}: no fact {fact!r}; add it to facts.yaml")
        if isinstance(settings, LatestNumber) and settings.unit != known[settings.latest].unit:
            unit = known[settings.latest].unit
            self._fail(
                (*at, "unit"), f"{name}: {settings.latest} is kept in {unit} (facts.yaml), not in {settings.unit}"
            )
        for value in (getattr(settings, key) for key in settings.__struct_fields__):
            self.check_reading(value, at)
            self.check_reading(getattr(value, "days", None), at)
        within = getattr(settings, "within", None)
        if within is not None and within.before != "as-of":
            self.check_reading(ByReading("after-anchor"), at)
        for key in ("reading", "childbearing_age", "by_evidence"):
            if (reading := getattr(settings, key, None)) is not None:
                self.check_reading(ByReading(reading), at)

    def check_cohort(self, cohort: tuple[str, ...]) -> None:
        """The facts of the cohort must be Conditions that facts.yaml names."""
        known = {spec.name for spec in self.tables.terminology.specs if "Condition" in spec.sources}
        for fact in cohort:
            if fact not in known:
                self._fail(("cohort",), f"cohort: no Condition is the fact {fact!r}; add it to facts.yaml")

    def check_reading(self, value: object, at: tuple[str | int, ...]) -> None:
        """A reading that is named must be listed in readings.yaml."""
        if isinstance(value, ByReading) and value.reading not in self.readings:
            self._fail(at, f"no reading {value.reading!r} with an option in force; add it to readings.yaml")

    def _fail(self, at: tuple[str | int, ...], problem: str) -> Never:
        line = next((self.lines[at[:n]] for n in range(len(at), -1, -1) if at[:n] in self.lines), 1)
        raise MappingError(f"{self.path}:{line}: {problem}")
