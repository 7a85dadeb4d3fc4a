"""The way through for assignments: records -> gate -> resources, group by group. Pure but for the stream of records."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from adapter.assignment.gate import Asking, Decision, allocations_used, check_file, decide, later_of
from adapter.assignment.held import CLOSED, ON_TRIAL, Held, by_patient
from adapter.assignment.records import Assignment, Refusal
from adapter.eligibility.screening import Asked, Screening, screen
from adapter.eligibility.trial import Trial
from adapter.facts.model import Enrolment, PatientRecord
from adapter.resources.candidates import Candidate, candidates
from adapter.resources.emit import assignment_resources, screening_resources
from adapter.resources.medication_request import surplus_requests
from adapter.resources.names import candidates as candidates_key
from adapter.resources.reconcile import reconcile
from adapter.resources.research_subject import subject_key
from adapter.resources.shape import Resource
from adapter.sinks.folder import Batch

NamesOf = Callable[[str], Iterable[str]]
"""Every name of the patient of a reference: his own, those merged into him, fullUrls."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """What became of a run. `refusals` are all of them, of the file and of the patients: then nothing is written.

    `blocked` are patients assigned before, of whom something must be told first; their resources stay as they are.
    """

    decisions: tuple[Decision, ...]
    refusals: tuple[Refusal, ...]
    blocked: tuple[Refusal, ...]
    screenings: tuple[Screening, ...] = ()

    @property
    def looked_at(self) -> tuple[Screening, ...]:
        """Every screening that was made, for its issues."""
        return (*(decision.screening for decision in self.decisions), *self.screenings)


def assign(
    records: Iterable[PatientRecord],
    assignments: Sequence[Assignment],
    asking: Asking,
    names_of: NamesOf,
    *,
    screening_status: bool = False,
) -> Assigned:
    """Weighs every assignment against the stream of records; with `screening_status` screens the other patients too."""
    wrong = list(check_file(assignments, asking))
    not_ours = {refusal.where for refusal in wrong if refusal.code in ("other-study", "future-date")}
    waiting = {one.where: one for one in assignments}
    before = by_patient(asking.held)
    decisions: list[Decision] = []
    screenings: list[Screening] = []
    blocked: list[Refusal] = []
    known: list[tuple[str, Enrolment]] = []
    now: dict[str, str] = {}
    for record in records:
        known += [(record.patient, one) for one in record.enrolments]
        names = set(names_of(record.patient))
        held = [one for name in sorted(names) for one in before.get(name, ())]
        now.update((one.patient, record.patient) for one in held)
        mine = [one for one in waiting.values() if not names.isdisjoint((one.patient, f"Patient/{one.patient}"))]
        wrong += [_merged(one, record) for one in mine if len({other.patient for other in mine}) > 1]
        for one in mine:
            del waiting[one.where]
            decisions += [] if one.where in not_ours else [decide(one, record, asking, held)]
        if not mine:
            blocked += [
                told for one in held if one.takes_part and one.since for told in later_of(record, one.since, asking)
            ]
            if screening_status and not beyond_screening(asking.trial, record, held):
                asked = Asked(asking.today, asking.anchors, asking.not_kept)
                screenings.append(screen(record, asking.trial, asked, asking.versions))
    for one in waiting.values():
        (blocked if _is_held(one, before, asking) else wrong).append(_not_there(one))
    known += [(now.get(one.patient, one.patient), one.enrolment) for one in asking.held]
    wrong += allocations_used(decisions, known, asking)
    return _sorted_out(decisions, wrong, blocked, screenings)


def beyond_screening(trial: Trial, record: PatientRecord, held: Sequence[Held] = ()) -> bool:
    """Whether a person or an assignment has gone beyond what a screening may say of the patient."""
    own = subject_key(trial, record.patient)
    subjects = (*record.enrolments, *(one.enrolment for one in held))
    return any(one.status in ON_TRIAL | CLOSED or one.reference != own for one in subjects)


def _is_held(one: Assignment, before: Mapping[str, Sequence[Held]], asking: Asking) -> bool:
    """Whether the sink holds this assignment already, so that nothing depends on today's input."""
    arm = asking.arms.called(one.arm)
    return any(held.is_assigned(arm) for held in before.get(f"Patient/{one.patient}", ()))


def _sorted_out(
    decisions: list[Decision], wrong: list[Refusal], blocked: list[Refusal], screenings: list[Screening]
) -> Assigned:
    """Of a patient who was assigned before, nothing is refused any more: it is told, and nothing further is written."""
    refusals = list(wrong)
    for decision in decisions:
        told = (*decision.later, *decision.refusals)
        (blocked if decision.already else refusals).extend(told)
    return Assigned(tuple(decisions), tuple(sorted(set(refusals))), tuple(sorted(set(blocked))), tuple(screenings))


def _merged(one: Assignment, record: PatientRecord) -> Refusal:
    told = "another row means the same patient, under another id; one patient has one assignment"
    return Refusal(one.where, record.patient, "patient-twice", told)


def _not_there(one: Assignment) -> Refusal:
    told = "no such patient in the input; correct the id, or give the records that hold the patient"
    return Refusal(one.where, f"Patient/{one.patient}", "unknown-patient", told)


def batches_of(
    assigned: Assigned, study: Sequence[Resource], asking: Asking, held: Mapping[str, Resource]
) -> tuple[Batch, ...]:
    """The study's resources first, then a batch a patient, the List of candidates last."""
    trial = asking.trial
    stopped = {refusal.patient for refusal in assigned.blocked}
    batches = [Batch("study", reconcile(study, held))]
    listed = [Candidate(key, asking.today.isoformat(), False) for key in sorted(_left(assigned, asking))]
    for approved in (d.approved for d in assigned.decisions if d.approved and d.approved.patient not in stopped):
        key = subject_key(trial, approved.patient)
        resources = (*assignment_resources(trial, approved), *surplus_requests(trial, approved, held))
        batches.append(Batch(_file(key), reconcile(resources, held)))
        listed.append(Candidate(key, approved.day.isoformat(), True))
    for screening in sorted(assigned.screenings, key=lambda s: s.patient):
        key = subject_key(trial, screening.patient)
        batches.append(Batch(_file(key), reconcile(screening_resources(trial, screening), held)))
        listed.append(Candidate(key, asking.today.isoformat(), screening.status != "ineligible"))
    found = candidates(trial, listed, held.get(candidates_key(trial)))
    return (*batches, *([Batch("candidates", reconcile([found], held))] if found else []))


def _left(assigned: Assigned, asking: Asking) -> set[str]:
    """The subjects of those who take part no more: a person closed them, or the consent is gone."""
    gone = {refusal.patient for refusal in assigned.blocked if refusal.code == "later-consent"}
    return {one.enrolment.reference for one in asking.held if one.enrolment.status in CLOSED or one.patient in gone}


def _file(key: str) -> str:
    return key.partition("/")[2]
