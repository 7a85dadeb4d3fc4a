"""`trial-adapter assign`: from a checked call to files, a Bundle or a diff, and what the caller is told."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from adapter.assign import Assigned, assign, batches_of
from adapter.assignment.arms import Arms, load_arms
from adapter.assignment.gate import Asking
from adapter.assignment.records import Assignment, Refusal, read_assignments
from adapter.errors import AdapterError, UsageError
from adapter.report.output import as_array, as_lines
from adapter.report.run import Names, Run
from adapter.report.text import clean, number
from adapter.resources.care_plan import plan_lines
from adapter.resources.emit import study_resources
from adapter.resources.held import held_subjects
from adapter.resources.judges import judge
from adapter.resources.names import CANDIDATES
from adapter.resources.reconcile import diff
from adapter.resources.shape import Resource, encoded, key_of, study_uuid
from adapter.screen import versions_of
from adapter.sinks.folder import Batch, Form, bundle_of, files_of, held_in, write_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the caller asked of `assign` beside what every screening needs."""

    assignments: Path | None
    first_dose: date | None
    screening_status: bool
    form: Form
    out: Path | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run would do. Nothing is written where `assigned.refusals` is not empty."""

    assigned: Assigned
    batches: tuple[Batch, ...]
    held: dict[str, Resource]
    space: UUID

    def told(self) -> Iterator[str]:
        """For standard error: what happened since first, then every refusal."""
        yield from (clean(f"blocked: {one.text()}") for one in self.assigned.blocked)
        yield from (clean(f"refused: {one.text()}") for one in self.assigned.refusals)
        if self.assigned.refusals:
            yield f"nothing was written: {number(len(self.assigned.refusals), 'refusal')}"
        for batch in self.batches:
            for change in batch.changes:
                if change.action == "kept":
                    yield f"note: {key_of(change.resource)} was edited after it was written and stays as it is"

    @property
    def code(self) -> int:
        """1 where something was refused or blocked."""
        return int(bool(self.assigned.refusals or self.assigned.blocked))


def carry_out(run: Run, wanted: Wanted) -> Outcome:
    """Weighs the assignments and makes what would be written; every resource has passed the judges."""
    arms = load_arms(run.trial)
    assignments, refused = read_assignments(wanted.assignments) if wanted.assignments else ((), ())
    if wanted.first_dose and len(assignments) > 1:
        raise UsageError(f"--first-dose is for one assignment, and {wanted.assignments} has {len(assignments)}")
    held = held_in(wanted.out)
    asking = _asking(run, arms, wanted, held)
    assigned = _weighed(run, assignments, refused, asking, wanted)
    identifiers = [(one.system, one.value) for one in run.config.identifiers if one.trial == run.trial.id]
    study = study_resources(run.trial, arms, asking.versions["program"], identifiers)
    batches = () if assigned.refusals else batches_of(assigned, study, asking, held)
    check(change.resource for batch in batches for change in batch.changes if change.writes)
    return Outcome(assigned, batches, held, study_uuid(run.trial.id, CANDIDATES))


def _asking(run: Run, arms: Arms, wanted: Wanted, held: dict[str, Resource]) -> Asking:
    calendar = run.collector.vocabulary.calendar
    return Asking(
        trial=run.trial, arms=arms, today=run.asked.as_of, zone=calendar.zone, versions=versions_of(run.trial),
        anchors=run.asked.anchors, not_kept=run.asked.not_kept, held=held_subjects(held, run.collector.vocabulary),
        first_dose=wanted.first_dose,
    )  # fmt: skip


def _weighed(
    run: Run, assignments: Sequence[Assignment], refused: Sequence[Refusal], asking: Asking, wanted: Wanted
) -> Assigned:
    names = Names()
    records = run.records(names.noted(run.events()))
    found = assign(records, assignments, asking, names.all_of, screening_status=wanted.screening_status)
    refusals = tuple(sorted({*refused, *found.refusals}))
    return Assigned(found.decisions, refusals, found.blocked, found.screenings)


def check(resources: Iterable[Resource]) -> None:
    """Raises AdapterError where a resource does not pass the judges: it must not leave."""
    faults = [fault for resource in resources for fault in judge(resource, encoded(resource))]
    if faults:
        told = "; ".join(f"{f.reference} {f.path}: {f.problem} ({f.judge})" for f in faults[:5])
        raise AdapterError(f"nothing was written, since {number(len(faults), 'fault')} would have left: {told}")


def write(outcome: Outcome, wanted: Wanted) -> int:
    """Writes the folder; how many files changed."""
    assert wanted.out is not None
    files = files_of(outcome.batches, outcome.held, wanted.form, outcome.space)
    write_files(wanted.out, files)
    return len(files)


def as_stream(outcome: Outcome, form: Form) -> Iterator[bytes]:
    """Everything for standard output: an array of resources or Bundles, or a resource a line."""
    if form == "bundle":
        yield from as_array(encoded(bundle_of(batch, outcome.held, outcome.space)) for batch in outcome.batches)
    else:
        lines = (encoded(change.resource) for batch in outcome.batches for change in batch.changes)
        yield from (as_array if form == "resources" else as_lines)(lines)


def as_diff(outcome: Outcome) -> Iterator[str]:
    """A unified diff of what would change, resource by resource."""
    for batch in outcome.batches:
        yield from diff(batch.changes)


def as_text(run: Run, outcome: Outcome, written: int, out: Path) -> Iterator[str]:
    """The plans as a nurse reads them, then what was written."""
    for decision in outcome.assigned.decisions:
        if decision.approved and not (decision.later and decision.already):
            yield f"{decision.approved.patient}, allocation {decision.assignment.allocation_id}"
            yield from (f"  {line}" for line in plan_lines(run.trial, decision.approved))
            yield ""
    for change in (change for batch in outcome.batches for change in batch.changes):
        if change.action == "update" and change.resource["resourceType"] in _PLANNED:
            yield f"{key_of(change.resource)} was a draft and is written anew: compare it before it is ordered"
    actions: list[str] = [change.action for batch in outcome.batches for change in batch.changes]
    told = ", ".join(f"{actions.count(a)} {w}" for a, w in _WORDS.items() if actions.count(a))
    yield f"{out}: {told or 'nothing to write'}; {number(written, 'file')} written"


_PLANNED = ("CarePlan", "MedicationRequest")
_WORDS = {"create": "new", "update": "changed", "same": "the same", "kept": "kept as edited"}
