"""The gate: one assignment, one record -> what may be written, or every precondition that failed.

There are no waivers. Sentences name resources and criteria, never values of the patient.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from adapter.assignment.arms import Arm, Arms
from adapter.assignment.courses import PlannedCourse, planned_courses, unsigned
from adapter.assignment.held import CLOSED, ON_TRIAL, Held
from adapter.assignment.records import Assignment, Refusal
from adapter.assignment.weight import NoWeight, Weight, weight_of
from adapter.eligibility.context import Context, cut_at, vague_facts
from adapter.eligibility.predicates.person import ConsentGiven, latest_consents
from adapter.eligibility.screening import Asked, Screening, Verdict, screen
from adapter.eligibility.trial import Trial
from adapter.eligibility.truth import Truth
from adapter.facts.model import Consented, Enrolment, PatientRecord
from adapter.fhir.systems import BASE

LATER_CONSENT = "since the assignment the research Consent is no longer in force"
_WITH_ID = re.compile(r"[A-Za-z]+/(?!sha256-)[A-Za-z0-9.-]{1,64}")
"""A resource that a server can refer to; a name made of a digest stands for one without id."""


def allocation_system(trial: str) -> str:
    """The identifier system of the randomiser's allocation ids."""
    return f"{BASE}/sid/{trial}/allocation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What holds for every assignment of a run. `today` is the day of the run; `held` are the subjects of the sink."""

    trial: Trial
    arms: Arms
    today: date
    zone: ZoneInfo
    versions: Mapping[str, str]
    anchors: Mapping[str, date] = field(default_factory=dict)
    not_kept: frozenset[str] = frozenset()
    held: tuple[Held, ...] = ()
    first_dose: date | None = None

    def day_of(self, assignment: Assignment) -> date:
        """The day of the assignment on the site's calendar."""
        return assignment.assigned_at.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class Approved:
    """An assignment that passed: everything that the resources are made of."""

    assignment: Assignment
    arm: Arm
    day: date
    screening: Screening
    consent: Consented
    weight: Weight | None
    courses: tuple[PlannedCourse, ...]

    @property
    def patient(self) -> str:
        """The reference of the patient."""
        return self.screening.patient


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one assignment. `already`: the sink holds it. `later`: what has happened since, told first."""

    assignment: Assignment
    refusals: tuple[Refusal, ...]
    screening: Screening
    later: tuple[Refusal, ...] = ()
    already: bool = False
    approved: Approved | None = None


def check_file(assignments: Sequence[Assignment], asking: Asking) -> Iterator[Refusal]:
    """What is wrong with assignments before any record is read: study, arm, date, and ids used twice."""
    for one in assignments:
        for code, sentence in _problems(one, asking):
            yield Refusal(one.where, f"Patient/{one.patient}", code, sentence)
    yield from _twice(assignments)


def _problems(one: Assignment, asking: Asking) -> Iterator[tuple[str, str]]:
    if one.study != asking.trial.id:
        yield "other-study", f"assigned in the study {one.study!r}; this trial is {asking.trial.id}"
    if asking.arms.called(one.arm) is None:
        yield "unknown-arm", f"no arm is called {one.arm!r}{_near(one.arm, asking.arms)}"
    if asking.day_of(one) > asking.today:
        yield "future-date", f"assigned_at {one.instant} lies after {asking.today.isoformat()}; correct the date"
    if asking.first_dose and asking.first_dose < asking.day_of(one):
        yield "dose-before-assignment", f"the first dose {asking.first_dose.isoformat()} lies before the assignment"


def _near(name: str, arms: Arms) -> str:
    by_fold = {known.casefold(): known for known in arms.names}
    near = get_close_matches(name.casefold(), by_fold, 1)
    told = f"; write {by_fold[near[0]]!r}, spelled exactly" if near else ""
    return f"{told}; the arms are {', '.join(arms.names)}"


def _twice(assignments: Sequence[Assignment]) -> Iterator[Refusal]:
    patients = Counter(one.patient for one in assignments)
    ids = Counter(one.allocation_id for one in assignments)
    for one in assignments:
        if patients[one.patient] > 1:
            told = "the patient is in the file more than once; one patient has one assignment"
            yield Refusal(one.where, f"Patient/{one.patient}", "patient-twice", told)
        if ids[one.allocation_id] > 1:
            told = f"the allocation id {one.allocation_id} is in the file more than once; each is used once"
            yield Refusal(one.where, f"Patient/{one.patient}", "allocation-reused", told)


def allocations_used(
    decisions: Iterable[Decision], enrolments: Iterable[tuple[str, Enrolment]], asking: Asking
) -> Iterator[Refusal]:
    """Allocation ids that the source or the sink already knows of another patient."""
    system = allocation_system(asking.trial.id)
    owners = {(value, who) for who, one in enrolments for name, value in one.identifiers if name == system}
    for decision in decisions:
        one = decision.assignment
        patient = decision.approved.patient if decision.approved else f"Patient/{one.patient}"
        if any(value == one.allocation_id and who != patient for value, who in owners):
            told = f"the allocation id {one.allocation_id} is already used for another patient"
            yield Refusal(one.where, patient, "allocation-reused", told)


def decide(assignment: Assignment, record: PatientRecord, asking: Asking, held: Sequence[Held] = ()) -> Decision:
    """Weighs one assignment of this study; with an unknown arm, all that does not depend on the arm. Pure.

    `held` is what the sink holds of this patient, under any of his names.
    """
    arm = asking.arms.called(assignment.arm)
    day = asking.day_of(assignment)
    then = _screened(record, asking, day, randomised=True)
    consent = _consent(record, asking, day)
    weight = _weight(then.record, arm, asking, day) if arm else None
    found = [
        *_not_eligible(then),
        *(_arm_taken(record, held, assignment, arm, asking) if arm else ()),
        *_formalities(record, then, arm, asking),
        *_consent_and_weight(consent, weight),
    ]
    later = _refusals(assignment.where, record, _since(record, then, asking, day))
    already = any(one.is_assigned(arm) for one in held)
    if found or arm is None or consent is None or isinstance(weight, NoWeight):
        return Decision(assignment, _refusals(assignment.where, record, found), then, later, already)
    first = asking.first_dose or next((one.first_dose for one in held if one.first_dose), None)
    courses = planned_courses(arm, asking.trial, first)
    approved = Approved(assignment, arm, day, then, consent, weight, courses)
    return Decision(assignment, (), then, later, already, approved)


def later_of(record: PatientRecord, day: date, asking: Asking) -> tuple[Refusal, ...]:
    """What must be told of a patient whom an earlier run assigned on `day`."""
    if asking.today < day:
        return ()
    views = (_screened(record, asking, day, randomised=True), _screened(record, asking, asking.today, randomised=False))
    found = [("later-consent", LATER_CONSENT)] if not _consents(record, asking, asking.today) else []
    found += [("later-exclusion", _later(verdict)) for view in views for verdict in view.criteria if _excludes(verdict)]
    return _refusals("assigned before", record, found)


def _excludes(verdict: Verdict) -> bool:
    return verdict.criterion.kind == "exclusion" and verdict.against


def _later(verdict: Verdict) -> str:
    return f"since the assignment {_told(verdict)}"


def _refusals(where: str, record: PatientRecord, found: Iterable[tuple[str, str]]) -> tuple[Refusal, ...]:
    return tuple(Refusal(where, record.patient, *pair) for pair in dict.fromkeys(found))


def _formalities(record: PatientRecord, then: Screening, arm: Arm | None, asking: Asking) -> Iterator[tuple[str, str]]:
    if not _WITH_ID.fullmatch(record.patient):
        yield "patient-without-id", "the Patient has no id, or none that FHIR allows, for a resource to refer to"
    for kind in sorted({"Consent", "ResearchSubject"} & record.unread):
        yield (
            "unreadable-record",
            f"a {kind} of the patient could not be read; it may stand against this (--issues FILE)",
        )
    used = {reading for verdict in then.criteria for reading in verdict.readings}
    for name in unsigned((*used, *(arm.treatment.readings if arm else ())), asking.trial, asking.today):
        yield "reading-unsigned", unsigned_text(name, asking.trial)


def _consent_and_weight(consent: Consented | None, weight: Weight | NoWeight | None) -> Iterator[tuple[str, str]]:
    if consent is None:
        yield "no-consent", "no active research Consent for this study on the day of the assignment"
    if isinstance(weight, NoWeight):
        yield weight.code, weight.sentence
    for one in (consent, weight):
        if isinstance(one, Consented | Weight) and not _WITH_ID.fullmatch(one.source.reference):
            kind = one.source.reference.partition("/")[0]
            told = f"the {kind} that this rests on has no id, or none that FHIR allows, for a resource to refer to"
            yield "record-without-id", told


def unsigned_text(name: str, trial: Trial) -> str:
    """What to decide, and where."""
    question = next(entry.question for entry in trial.entries if entry.id == name)
    return f"the reading {name} is not signed: {question} Decide, and put name and date to it (--readings FILE)"


def _screened(record: PatientRecord, asking: Asking, day: date, *, randomised: bool) -> Screening:
    anchors = {**asking.anchors, "randomisation": day} if randomised else {}
    return screen(record, asking.trial, Asked(day, anchors, asking.not_kept), asking.versions)


def _not_eligible(then: Screening) -> Iterator[tuple[str, str]]:
    for verdict in then.criteria:
        if not verdict.in_favour:
            yield "not-eligible", f"{_told(verdict)} on the day of the assignment"


def _told(verdict: Verdict) -> str:
    return f"{verdict.criterion.id} is {verdict.finding.truth} ({verdict.finding.reason})"


def _consent(record: PatientRecord, asking: Asking, day: date) -> Consented | None:
    """The Consent itself, since an attested sentence is no signature."""
    if not _consents(record, asking, day):
        return None
    return next((one for one in latest_consents(record.consents, day.toordinal()) if one.status == "active"), None)


def _consents(record: PatientRecord, asking: Asking, day: date) -> bool:
    on = day.toordinal()
    found = ConsentGiven(consented=True).find(Context(record, asking.trial.readings, {}, on, on))
    return found.truth is Truth.YES


def _arm_taken(
    record: PatientRecord, held: Sequence[Held], assignment: Assignment, arm: Arm, asking: Asking
) -> Iterator[tuple[str, str]]:
    system = allocation_system(asking.trial.id)
    for before in (one for one in held if one.takes_part):
        if before.since != asking.day_of(assignment):
            yield "other-day", "the patient is already assigned, on another day; an assignment is not moved"
        if before.patient != record.patient:
            told = (
                f"{before.enrolment.reference} holds it under {before.patient}, merged since; a person must settle that"
            )
            yield "merged-since", told
    for one in (*record.enrolments, *(one.enrolment for one in held)):
        others = sorted({one.assigned_arm, one.actual_arm} - {"", arm.name})
        ids = {value for name, value in one.identifiers if name == system}
        if others:
            yield "other-arm", f"{one.reference} already names the arm {' and '.join(others)}"
        elif one.status in CLOSED:
            yield "subject-closed", f"{one.reference} is {one.status}; a person must settle that first"
        elif one.status in ON_TRIAL and not one.assigned_arm:
            yield (
                "arm-missing",
                f"{one.reference} is {one.status} without an assignedArm; a person must settle that first",
            )
        if ids - {assignment.allocation_id}:
            yield "allocation-differs", f"{one.reference} was assigned under another allocation id"


def _weight(record: PatientRecord, arm: Arm, asking: Asking, day: date) -> Weight | NoWeight | None:
    wanted = arm.treatment.dose.per_kg
    on = day.toordinal()
    return (
        weight_of(Context(cut_at(record, on, vague_facts(record)), asking.trial.readings, {}, on, on), wanted)
        if wanted
        else None
    )


def _since(record: PatientRecord, then: Screening, asking: Asking, day: date) -> Iterator[tuple[str, str]]:
    """What has happened after the day of the assignment and stands against going on: consent, pregnancy, exclusions."""
    if asking.today <= day:
        return
    if not _consents(record, asking, asking.today) and _consents(record, asking, day):
        yield "later-consent", LATER_CONSENT
    before = {verdict.criterion.id for verdict in then.criteria if verdict.against}
    for verdict in _screened(record, asking, asking.today, randomised=False).criteria:
        if _excludes(verdict) and verdict.criterion.id not in before:
            yield "later-exclusion", _later(verdict)
