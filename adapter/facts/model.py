"""Fact: one thing that one resource says about one patient, with its date, its value, its doubt and its provenance."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from fractions import Fraction

import msgspec

from adapter.errors import Issue
from adapter.fhir.dates import When
from adapter.fhir.quantities import Number
from adapter.fhir.terminology import Grade


class Reason(StrEnum):
    """Why something is unknown: the closed list of `criteria.md`, the reason that speaks first on top."""

    CONFLICT = "conflict"
    UNIT_UNRESOLVED = "unit-unresolved"
    PARTIAL_DATE = "partial-date"
    UNDATED = "undated"
    NEEDS_JUDGEMENT = "needs-judgement"
    ORDERED_ONLY = "ordered-only"
    UNMAPPED_CODE = "unmapped-code"
    STALE = "stale"
    NOT_COVERED = "not-covered"
    NO_DATA = "no-data"


RANK = {reason: rank for rank, reason in enumerate(Reason)}


def foremost(reasons: "list[Reason] | set[Reason]") -> Reason:
    """The reason that is told when several apply."""
    return min(reasons, key=RANK.__getitem__)


class Source(msgspec.Struct, frozen=True, gc=False):
    """Where a fact stood: the resource, its version, the element, and the text as written there."""

    reference: str
    version: str | None
    path: str
    written: str


class Sign(StrEnum):
    """What a qualitative result says."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    INDETERMINATE = "indeterminate"


class Result(msgspec.Struct, frozen=True, gc=False):
    """The value of an Observation.

    `number` is in the fact's canonical unit. `sign` is what the laboratory said in words or codes. `range_` is -1, 0
    or 1:
    below, within or above the laboratory's own range. `problem` says why the value cannot be used.
    """

    number: Number | None = None
    unit: str = ""
    sign: Sign | None = None
    range_: int | None = None
    problem: Reason | None = None
    truth: bool | None = None
    formula: str | None = None


class Dose(msgspec.Struct, frozen=True, gc=False):
    """A drug in use: ingredient, route, and the total daily dose where it is stated. `pulsed`: taken less than
    daily.
    """

    ingredient: str
    route: str = ""
    daily: Fraction | None = None
    unit: str = ""
    single: Fraction | None = None
    pulsed: bool = False


class Use(msgspec.Struct, frozen=True, gc=False):
    """What a medication record adds to its date: the dose, whether it is an order, and why it was given.

    `intravenous` is None where no route is stated. `indications` are the meanings of stated reasons: 'infection',
    'exempt', 'doubt' or 'other'; `because` the references given as reason. `ongoing`: called active by its status.
    """

    dose: Dose | None = None
    order: bool = False
    supply: bool = False
    intravenous: bool | None = None
    indications: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    ongoing: bool = False


class Course(msgspec.Struct, frozen=True, gc=False):
    """The course of a Condition: onset and abatement as far as stated, and its clinical status.

    `chronic`: active until it is said to be over. `abated` without `abatement` is an abatement that gives no date.
    `recorded` is the ordinal of recordedDate.
    """

    clinical: str = ""
    onset: When | None = None
    abatement: When | None = None
    abated: bool = False
    recorded: When | None = None
    severe: bool = False
    chronic: bool = False


class Fact(msgspec.Struct, frozen=True, gc=False):
    """One statement. `doubt` is None where it counts; else the reason why a person must look.

    `grade` tells exemptions and listed candidates apart from what proves. `label` is what to call it in a sentence.
    `specimen` and `moment` (the exact time) tell which results are of one specimen.
    """

    name: str
    type: str
    grade: Grade
    when: When
    label: str
    source: Source
    doubt: Reason | None = None
    result: Result | None = None
    use: Use | None = None
    course: Course | None = None
    links: tuple[str, ...] = ()
    specimen: str = ""
    moment: str = ""

    @property
    def order(self) -> tuple[int, int, str, str, str]:
        """A total order that does not depend on the order of the input."""
        when = self.when
        return (when.last_hi, when.first_lo, self.source.reference, self.source.path, self.source.written)


class Person(msgspec.Struct, frozen=True, gc=False):
    """What the Patient resource says: gender as coded, birth date as the first and last possible day."""

    gender: str | None = None
    born: tuple[date, date] | None = None
    birth_text: str = ""
    version: str | None = None


class Consented(msgspec.Struct, frozen=True, gc=False):
    """A Consent for this study. `signed` is the day it rests on; `until` the last day of its provision."""

    status: str
    signed: When | None
    period: When | None
    denies: bool
    source: Source


class Enrolment(msgspec.Struct, frozen=True, order=True):
    """A ResearchSubject of this study: its status, the arms that it names, and its business identifiers."""

    reference: str
    version: str
    status: str
    assigned_arm: str
    actual_arm: str
    identifiers: tuple[tuple[str, str], ...] = ()


class PatientRecord(msgspec.Struct, frozen=True, gc=False):
    """All facts of one patient, by name; what was read completely; what could not be read; and what was noticed."""

    patient: str
    person: Person | None = None
    facts: Mapping[str, tuple[Fact, ...]] = msgspec.field(default_factory=dict)
    consents: tuple[Consented, ...] = ()
    enrolments: tuple[Enrolment, ...] = ()
    covered: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    issues: tuple[Issue, ...] = ()

    def named(self, name: str) -> tuple[Fact, ...]:
        """The facts of one name, in a fixed order."""
        return self.facts.get(name, ())

    def lacks(self, names: frozenset[str]) -> bool:
        """Whether there is no fact of any of these names."""
        return self.facts.keys().isdisjoint(names)
