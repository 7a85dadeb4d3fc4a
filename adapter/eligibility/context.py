"""What a predicate may ask: facts, anchors, windows, coverage and readings of one patient on one day."""

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec
from msgspec.structs import replace

from adapter.errors import Issue
from adapter.facts.model import Course, Fact, PatientRecord, Reason
from adapter.fhir.dates import FIRST, LAST, Place, When, completed_years, day_text, plus_years
from adapter.fhir.elements import MEDICATION_TYPES

PLANS = frozenset({"ServiceRequest", "Appointment", "ImmunizationRecommendation", "MedicationRequest"})
_TAKEN = frozenset(MEDICATION_TYPES) - {"MedicationRequest"}
Setting = str | int


class ByReading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number that `readings.yaml` holds."""

    reading: str


class Within(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A window of whole days, both ends included: so many days or weeks before an anchor."""

    before: str
    days: int | ByReading | None = None
    weeks: int | None = None


class Anchor(msgspec.Struct, frozen=True, gc=False):
    """The day of consent, screening or randomisation; `assumed` where it is the day of asking for want of a better
    one.
    """

    day: int
    assumed: bool


class Span(msgspec.Struct, frozen=True, gc=False):
    """A window as days. `moves`: its start moves with the day of asking. `days` is its length before the anchor."""

    start: int
    end: int
    days: int
    moves: bool
    name: str

    def text(self) -> str:
        """`the 168 days before screening (2026-06-07 to 2026-11-22)`."""
        return f"the {self.days} days before {self.name} ({day_text(self.start)} to {day_text(self.end)})"


class Context(msgspec.Struct, frozen=True, gc=False):
    """One patient on the day `as_of`. `end` is the last day that counts.

    `marks` gathers the later days on which an answer might change, `used` the readings that were asked for.
    """

    record: PatientRecord
    readings: Mapping[str, Setting]
    anchors: Mapping[str, Anchor]
    as_of: int
    end: int
    not_kept: frozenset[str] = frozenset()
    marks: set[int] = msgspec.field(default_factory=set)
    used: set[str] = msgspec.field(default_factory=set)

    def reading(self, name: str) -> Setting:
        """The option in force of a reading, noted as used."""
        self.used.add(name)
        return self.readings[name]

    def number(self, value: "int | ByReading") -> int:
        """A number that stands in the criterion or in a reading."""
        return value if isinstance(value, int) else int(self.reading(value.reading))

    def span(self, within: Within) -> Span:
        """The window on the calendar; what happens after the anchor counts too, as the reading `after-anchor` says."""
        days = within.weeks * 7 if within.weeks is not None else self.number(within.days or 0)
        if within.before == "as-of":
            return Span(max(self.end - days, FIRST), self.end, days, self._end_moves(), "the as-of date")
        anchor = self.anchors[within.before]
        ignored = self.reading("after-anchor") == "ignored"
        end = min(anchor.day, self.end) if ignored else self.end
        return Span(max(anchor.day - days, FIRST), end, days, anchor.assumed, within.before)

    def inclusion_span(self, within: Within) -> Span:
        """The window of an inclusion: nothing after the end counts, whatever `after-anchor` says."""
        days = within.weeks * 7 if within.weeks is not None else self.number(within.days or 0)
        if within.before == "as-of":
            return Span(max(self.end - days, FIRST), self.end, days, self._end_moves(), "the as-of date")
        anchor = self.anchors[within.before]
        return Span(max(anchor.day - days, FIRST), self.end, days, anchor.assumed, within.before)

    def ever(self) -> Span:
        """All time up to the end."""
        return Span(FIRST, self.end, 0, False, "ever")

    def _end_moves(self) -> bool:
        return self.end == self.as_of

    def place(self, when: When, span: Span) -> Place:
        """Where an event lies; the days on which it would leave the window are marked."""
        self.mark_event(when, span)
        if not when.dated and span.start == FIRST:
            return Place.INSIDE if when.bound is not None and when.bound <= span.end else Place.UNDATED
        return when.place(span.start, span.end, self.as_of)

    def mark_event(self, when: When | None, span: Span) -> None:
        """The days on which an event would enter or leave a window that moves."""
        if when is None or not span.moves:
            return
        for day in when.edges():
            self.mark(day + span.days + 1)
            self.mark(day)
            self.mark(day + 1)

    def mark(self, day: int) -> None:
        """A later day on which the answer might change."""
        if self.as_of < day <= LAST:
            self.marks.add(day)

    def covers(self, types: Iterable[str], *, not_kept: bool = True) -> tuple[str, ...]:
        """The types among `types` whose silence does not count: empty where everything was read completely."""
        wanted = tuple(types)
        record = self.record
        open_ = [t for t in wanted if t in record.unread or not ({t, "*"} & record.covered)]
        if not_kept and (_TAKEN - set(open_)) & set(wanted):
            open_ = [t for t in open_ if t in record.unread or t not in self.not_kept or t not in MEDICATION_TYPES]
        return tuple(open_)

    def age(self, on: int) -> tuple[int, int] | None:
        """Completed years at the earliest and latest birth date; None where the birth date is not known."""
        person = self.record.person
        if person is None or person.born is None:
            return None
        day = date.fromordinal(on)
        return completed_years(person.born[1], day), completed_years(person.born[0], day)

    def active(self, course: Course) -> bool | Reason:
        """Whether a Condition is going on at the end: by abatement, clinical status, else a year from onset or
        recording.
        """
        if course.abatement is not None and (over := self._abated(course.abatement)) is not None:
            return over
        if course.abated and course.abatement is None:
            return False
        if course.clinical in ("active", "recurrence", "relapse"):
            return True
        if course.clinical in ("inactive", "remission", "resolved"):
            return False
        return True if course.chronic else self._within_a_year(course)

    def mark_birthdays(self, ages: Iterable[int]) -> None:
        """The days on which the patient reaches these ages."""
        person = self.record.person
        for born in person.born if person and person.born else ():
            for age in ages:
                self.mark(plus_years(born, age).toordinal())

    def is_over(self, course: Course) -> bool:
        """Whether a Condition is over by the end: abated, or called resolved, inactive or in remission."""
        for day in course.abatement.edges() if course.abatement else ():
            self.mark(day)
        if course.abatement is not None and course.abatement.first_lo <= self.end:
            return course.abatement.cut(self.as_of).last_hi <= self.end
        undated = course.abated and course.abatement is None
        return undated or course.clinical in ("inactive", "remission", "resolved")

    def _abated(self, abatement: When) -> bool | Reason | None:
        """False: over by the end; a Reason where a partial date leaves it open; None: not over yet."""
        for day in abatement.edges():
            self.mark(day)
        abatement = abatement.cut(self.as_of)
        if abatement.last_hi <= self.end:
            return False
        return None if abatement.first_lo > self.end else Reason.PARTIAL_DATE

    def _within_a_year(self, course: Course) -> bool | Reason:
        began = course.onset or course.recorded
        if began is None:
            return Reason.UNDATED
        return self.younger(began, 365)

    def younger(self, began: When, days: int) -> bool | Reason:
        """Whether something began at most `days` days before the end."""
        for day in began.edges():
            self.mark(day + days + 1)
        began = began.cut(self.as_of)
        if began.first_lo >= self.end - days:
            return True
        return False if began.first_hi < self.end - days else Reason.PARTIAL_DATE


def without_future(record: PatientRecord, as_of: int) -> PatientRecord:
    """The record as of a day: what is dated later is set aside and told; plans may lie in the future."""
    later = {
        fact
        for group in record.facts.values()
        for fact in group
        if fact.when.dated and fact.when.first_lo > as_of and fact.type not in PLANS
    }
    if not later:
        return record
    facts = {name: tuple(f for f in group if f not in later) for name, group in record.facts.items()}
    issues = {*record.issues, *(_future(fact, as_of) for fact in later)}
    return replace(record, facts=facts, issues=tuple(sorted(issues)))


def vague_facts(record: PatientRecord) -> list[Fact]:
    """The facts with a partial date, which `cut_at` may cut."""
    facts = (fact for group in record.facts.values() for fact in group)
    return [fact for fact in facts if fact.when.first_lo != fact.when.last_hi and not fact.when.stretch]


def cut_at(record: PatientRecord, day: int, vague: Iterable[Fact]) -> PatientRecord:
    """The record on a day: partial dates lose the days after it. `vague` are its facts with such dates."""
    if not any(one.when.is_cut_by(day) for one in vague):
        return record
    facts = {
        name: tuple(replace(f, when=f.when.cut(day)) if f.when.is_cut_by(day) else f for f in group)
        for name, group in record.facts.items()
    }
    return replace(record, facts=facts)


def _future(fact: Fact, as_of: int) -> Issue:
    problem = f"dated {fact.when.text}, after the as-of date {day_text(as_of)}: not used"
    return Issue("note", fact.source.reference, fact.source.path, problem)
