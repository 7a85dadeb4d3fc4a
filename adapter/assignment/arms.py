"""The arms of a trial: `arms/*.json` of its folder, each with the protocol's sentence and the treatment as numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

import msgspec

from adapter.eligibility.context import ByReading
from adapter.eligibility.trial import Trial
from adapter.errors import MappingError
from adapter.fhir.files import Json, load_json, read_text

Concept = Mapping[str, Json]
"""A CodeableConcept as it goes out, unchanged."""


class _Shape(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    pass


class PerKilogram(_Shape, frozen=True):
    """A dose by body weight in kg: the fact that measures it, its greatest age in days, and the bounds of belief."""

    fact: str
    days: ByReading
    least: Decimal
    most: Decimal


class Dose(_Shape, frozen=True):
    """An amount in the UCUM unit `code`; with `per_kg` for each kg of body weight."""

    value: Decimal
    code: str
    unit: str
    per_kg: PerKilogram | None = None


class Course(_Shape, frozen=True):
    """What is given in a row: so many doses, one every so many days, in a stretch of `days` days."""

    name: str
    doses: int
    every_days: int | None = None
    days: int | None = None


class Interval(_Shape, frozen=True):
    """The days between two courses; the reading says from where to where they are counted."""

    days: int
    reading: str


class Courses(_Shape, frozen=True):
    """How many courses (a reading), and what lies between them; without an interval only the first has a date."""

    reading: str
    interval: Interval | None = None


class Treatment(_Shape, frozen=True):
    """What a patient of the arm receives. `id` becomes part of the ids of its PlanDefinition and ActivityDefinition."""

    id: str
    title: str
    medication: dict[str, Any]
    route: dict[str, Any]
    dose: Dose
    course: Course
    courses: Courses
    instruction: str | None = None

    @property
    def readings(self) -> tuple[str, ...]:
        """The readings that every dose of this arm rests on."""
        weight = (self.dose.per_kg.days.reading,) if self.dose.per_kg else ()
        interval = (self.courses.interval.reading,) if self.courses.interval else ()
        return (*weight, self.courses.reading, *interval)


class Arm(_Shape, frozen=True):
    """One arm: `name` as the protocol names it, `id` as the randomiser may call it, `version` of its PlanDefinition."""

    id: str
    name: str
    type: str
    version: str
    sentence: str
    treatment: Treatment


@dataclass(frozen=True, slots=True)
class Arms:
    """The arms of a trial in the order of the protocol."""

    all: tuple[Arm, ...]

    def called(self, name: str) -> Arm | None:
        """The arm of this id or name, spelled exactly."""
        return next((arm for arm in self.all if name in (arm.id, arm.name)), None)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that an arm may be called."""
        return tuple(name for arm in self.all for name in dict.fromkeys((arm.id, arm.name)))


def load_arms(trial: Trial) -> Arms:
    """The arms of a trial's folder. Raises MappingError where one is wrong."""
    paths = sorted((trial.folder / "arms").glob("*.json"))
    found = []
    protocol = _flat(read_text(trial.folder / "protocol.txt"))
    for path in paths:
        arm = _arm(path)
        for problem in _problems(arm, trial, protocol):
            raise MappingError(f"{path}: {problem}")
        found.append(arm)
    if not found:
        raise MappingError(f"{trial.folder / 'arms'}: the trial has no arm; add arms/<name>.json for each")
    names = [name for arm in found for name in {arm.id, arm.name}]
    if len(set(names)) < len(names):
        raise MappingError(f"{trial.folder / 'arms'}: two arms share an id or a name; every one is used once")
    return Arms(tuple(sorted(found, key=lambda arm: protocol.index(_flat(arm.sentence)))))


def _arm(path: Path) -> Arm:
    try:
        return msgspec.convert(load_json(path, cast(type[dict[str, Any]], dict)), Arm, strict=False)
    except (msgspec.ValidationError, InvalidOperation) as error:
        raise MappingError(f"{path}: {error}") from None


def _problems(arm: Arm, trial: Trial, protocol: str) -> Iterator[str]:
    """What the types do not tell."""
    if _flat(arm.sentence) not in protocol:
        yield "the sentence does not stand in protocol.txt; copy it word for word"
    if arm.name not in protocol:
        yield f"the name {arm.name!r} does not stand in protocol.txt; copy it letter by letter"
    known = {entry.id: entry for entry in trial.entries}
    for name in arm.treatment.readings:
        if name not in known:
            yield f"no reading {name!r}; add it to readings.yaml"
    courses = known.get(arm.treatment.courses.reading)
    if courses and "courses" not in courses.options:
        yield f"the reading {courses.id} must be a number: give it the option `courses`"
    interval = arm.treatment.courses.interval
    if interval and interval.reading in known and set(known[interval.reading].options) != set(INTERVALS):
        yield f"the reading {interval.reading} must have the options {' and '.join(INTERVALS)}"
    yield from _wrong_numbers(arm.treatment, trial)


INTERVALS = ("gap-after-course", "start-to-start")


def _wrong_numbers(treatment: Treatment, trial: Trial) -> Iterator[str]:
    course, per_kg = treatment.course, treatment.dose.per_kg
    if treatment.dose.value <= 0 or course.doses < 1:
        yield "dose.value and course.doses must be above 0"
    if course.doses > 1 and (course.every_days is None or course.days is None):
        yield "a course of several doses needs every-days and days"
    if treatment.courses.interval and course.days is None:
        yield "an interval between courses needs course.days"
    units = {spec.name: spec.unit for spec in trial.tables.terminology.specs}
    if per_kg and units.get(per_kg.fact) != "kg":
        yield f"per-kg.fact {per_kg.fact!r} is no fact of facts.yaml that is kept in kg"
    if per_kg and not 0 < per_kg.least < per_kg.most:
        yield "per-kg.least and most must be weights in kg, the smaller one first"


def _flat(text: str) -> str:
    return " ".join(text.split())
