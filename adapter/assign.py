"""The way through for assignments: records -> gate -> resources, group by group. Pure but for the stream of records."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from adapter.assignment.gate import ON_TRIAL, Asking, Decision, allocations_used, check_file, decide, later_of
from adapter.assignment.records import Assignment, Refusal
from adapter.eligibility.screening import Asked, Screening, screen
from adapter.facts.model import Enrolment, PatientRecord
from adapter.facts.person import enrolments
from adapter.facts.vocabulary import Vocabulary
from adapter.fhir.decode import decode
from adapter.fhir.elements import ResearchSubject
from adapter.fhir.references import key_of
from adapter.resources.candidates import Candidate, candidates
from adapter.resources.emit import assignment_resources, screening_resources
from adapter.resources.names import candidates as candidates_key
from adapter.resources.reconcile import reconcile
from adapter.resources.research_subject import subject_key
from adapter.resources.shape import Resource, encoded
from adapter.sinks.folder import Batch

Means = Callable[[str, str], bool]
"""Whether a name that the randomiser wrote means the patient of a reference."""


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
    means: Means,
    *,
    screening_status: bool = False,
) -> Assigned:
    """Weighs every assignment against the stream of records; with `screening_status` screens the other patients too."""
    wrong = list(check_file(assignments, asking))
    not_ours = {refusal.where for refusal in wrong if refusal.code in ("other-study", "future-date")}
    waiting = {one.where: one for one in assignments}
    decisions: list[Decision] = []
    screenings: list[Screening] = []
    blocked: list[Refusal] = []
    known: list[tuple[str, Enrolment]] = list(asking.held)
    for record in records:
        known += [(record.patient, one) for one in record.enrolments]
        mine = [one for one in waiting.values() if means(one.patient, record.patient)]
        wrong += [_merged(one, record) for one in mine if len({other.patient for other in mine}) > 1]
        for one in mine:
            del waiting[one.where]
            decisions += [] if one.where in not_ours else [decide(one, record, asking)]
        if not mine and record.patient in asking.since:
            blocked += later_of(record, asking)
        elif screening_status and not mine:
            asked = Asked(asking.today, asking.anchors, asking.not_kept)
            screenings.append(screen(record, asking.trial, asked, asking.versions))
    wrong += [_not_there(one) for one in waiting.values()]
    wrong += allocations_used(decisions, known, asking)
    return _sorted_out(decisions, wrong, blocked, screenings)


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


def held_enrolments(held: Mapping[str, Resource], vocabulary: Vocabulary) -> tuple[tuple[str, Enrolment], ...]:
    """The ResearchSubjects of this study that the sink holds, each with its patient."""
    found = []
    for key, resource in sorted(held.items()):
        subject = decode(encoded(resource))[1] if key.startswith("ResearchSubject/") else None
        if isinstance(subject, ResearchSubject) and subject.individual:
            items = enrolments(subject, key, vocabulary)
            found += [(key_of(subject.individual) or "", item) for item in items if isinstance(item, Enrolment)]
    return tuple(found)


def held_since(held: Mapping[str, Resource], known: Iterable[tuple[str, Enrolment]]) -> dict[str, date]:
    """Patient -> the day of the assignment that the sink holds, as long as he takes part."""
    found = {}
    for patient, one in known:
        period = held[one.reference].get("period")
        start = str(period.get("start", ""))[:10] if isinstance(period, Mapping) else ""
        if one.status in ON_TRIAL and len(start) == 10:
            with suppress(ValueError):  # a person may have written anything
                found[patient] = date.fromisoformat(start)
    return found


def batches_of(
    assigned: Assigned, study: Sequence[Resource], asking: Asking, held: Mapping[str, Resource]
) -> tuple[Batch, ...]:
    """The study's resources first, then a batch a patient, the List of candidates last."""
    trial = asking.trial
    stopped = {refusal.patient for refusal in assigned.blocked}
    batches = [Batch("study", reconcile(study, held))]
    listed: list[Candidate] = []
    for approved in (d.approved for d in assigned.decisions if d.approved and d.approved.patient not in stopped):
        key = subject_key(trial, approved.patient)
        batches.append(Batch(_file(key), reconcile(assignment_resources(trial, approved), held)))
        listed.append(Candidate(key, approved.day.isoformat(), True))
    for screening in sorted(assigned.screenings, key=lambda s: s.patient):
        key = subject_key(trial, screening.patient)
        batches.append(Batch(_file(key), reconcile(screening_resources(trial, screening), held)))
        listed.append(Candidate(key, asking.today.isoformat(), screening.status != "ineligible"))
    found = candidates(trial, listed, held.get(candidates_key(trial)))
    return (*batches, *([Batch("candidates", reconcile([found], held))] if found else []))


def _file(key: str) -> str:
    return key.partition("/")[2]
