"""What is written to the server: the study, each patient who is due, last the List. At least once, in effect once.

Every resource has an id of its own making and goes by PUT; a version that the server has by then is met by reading
again and merging. A row leaves the outbox in the transaction that notes what was written.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec
from sqlalchemy import Connection as Db
from sqlalchemy import delete, insert, select, update

from adapter.assign import beyond_screening
from adapter.assignment.arms import load_arms
from adapter.config import StudyIdentifier
from adapter.eligibility.screening import Screening
from adapter.errors import AdapterError, ServerError
from adapter.resources.candidates import Candidate, candidates
from adapter.resources.emit import screening_resources, study_resources
from adapter.resources.judges import judge
from adapter.resources.merge import merged
from adapter.resources.names import CANDIDATES
from adapter.resources.names import candidates as candidates_key
from adapter.resources.reconcile import Change, diff, reconcile
from adapter.resources.research_subject import subject_key
from adapter.resources.shape import Resource, encoded, key_of, plain, study_uuid
from adapter.resources.transaction import transaction as bundle_of
from adapter.screen import program_version
from adapter.store import cursors
from adapter.store.database import transaction
from adapter.store.knowledge import survivor_of
from adapter.store.tables import outbox, screenings, written
from adapter.sync import screening as made
from adapter.sync.failpoint import reached
from adapter.sync.plan import chunks
from adapter.sync.run import Sync

_CONFLICT = frozenset({409, 412})
_TRIES = 5
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def write_due(sync: Sync, identifiers: Sequence[StudyIdentifier]) -> None:
    """Writes whatever waits. A patient whom the server refuses stays in the outbox with the reason."""
    _enqueue_missing(sync)
    _put(sync, "study", study_of(sync, identifiers))
    with transaction(sync.engine) as db:
        waiting = [row.subject for row in db.execute(select(outbox.c.subject).order_by(outbox.c.id))]
    for subject in waiting:
        if sync.stop():
            return
        _write_patient(sync, subject)
    reached("list")
    _write_list(sync)


def differences(sync: Sync, identifiers: Sequence[StudyIdentifier]) -> Iterator[str]:
    """A unified diff of what `write_due` would change: the study, and the patients screened in this run."""
    study = study_of(sync, identifiers)
    yield from diff(reconcile(study, _held(sync, map(key_of, study))))
    for screening in sync.screened:
        if not beyond_screening(sync.rules.trial, screening.record):
            resources = screening_resources(sync.rules.trial, screening)
            yield from diff(reconcile(resources, _held(sync, map(key_of, resources))))


def study_of(sync: Sync, identifiers: Sequence[StudyIdentifier]) -> tuple[Resource, ...]:
    """The resources of the trial itself."""
    trial = sync.rules.trial
    numbers = [(one.system, one.value) for one in identifiers if one.trial == trial.id]
    return study_resources(trial, load_arms(trial), program_version(), numbers)


def _enqueue_missing(sync: Sync) -> None:
    """Patients who were screened by runs that did not write."""
    trial = sync.rules.trial.id
    with transaction(sync.engine) as db:
        there = {row.subject for row in db.execute(select(outbox.c.subject).where(outbox.c.trial == trial))}
        there |= {row.subject for row in db.execute(select(written.c.subject))}
        patients = db.execute(select(screenings.c.patient).where(screenings.c.trial == trial).distinct())
        at = sync.tick(db)
        new = sorted({row.patient for row in patients} - there)
        rows = [{"trial": trial, "subject": one, "created": at, "attempts": 0, "problem": ""} for one in new]
        if rows:
            db.execute(insert(outbox), rows)


def _write_patient(sync: Sync, subject: str) -> None:
    reached("write")
    with transaction(sync.engine) as db:
        screening = _latest(sync, db, subject)
    try:
        if screening is not None and not beyond_screening(sync.rules.trial, screening.record):
            _put(sync, screening.patient, screening_resources(sync.rules.trial, screening))
    except (ServerError, _UnfitError) as error:
        with transaction(sync.engine) as db:
            failed = update(outbox).where(outbox.c.subject == subject)
            db.execute(failed.values(attempts=outbox.c.attempts + 1, problem=str(error)))
        sync.problems.append(f"writing: {error}")
        return
    reached("write-noted")
    with transaction(sync.engine) as db:
        db.execute(delete(outbox).where(outbox.c.trial == sync.rules.trial.id, outbox.c.subject == subject))
    reached("write-done")


def _latest(sync: Sync, db: Db, subject: str) -> Screening | None:
    """The latest screening of a patient, made again from what was known then; None where he was merged into another."""
    last = made.latest_made(db, sync.rules.trial.id, subject)
    if last is None or survivor_of(db, subject, sync.tick(db)) != subject:
        return None
    return made.screened(db, sync.rules, subject, made.day_of(last), last.known_at)


class _UnfitError(AdapterError):
    """A resource of ours that a judge refuses: it must not leave."""


def _put(sync: Sync, subject: str, resources: Sequence[Resource]) -> None:
    """Writes resources in one transaction, merging with what stands there by then."""
    for tried in range(1, _TRIES + 1):
        held = _held(sync, map(key_of, resources))
        reached("write-read")
        changes = _merged(sync, resources, held)
        if not any(change.writes for change in changes):
            break
        try:
            _send(sync, subject, changes, held)
            break
        except ServerError as error:
            if error.status not in _CONFLICT or tried == _TRIES:
                raise
    _note_written(sync, subject, resources)


def _send(sync: Sync, subject: str, changes: Sequence[Change], held: Mapping[str, Resource]) -> None:
    writing = [change.resource for change in changes if change.writes]
    for resource in writing:
        if faults := judge(resource, encoded(resource)):
            raise _UnfitError(f"{resource['resourceType']} not written: {faults[0].path} {faults[0].problem}")
    bundle = bundle_of(study_uuid(sync.rules.trial.id, subject), writing, held)
    own = {name: value for name, value in bundle.items() if name != "id"}
    reached("write-send")
    sync.reader.client.transaction(encoded(own))
    reached("write-sent")
    sync.count("resources written", len(writing))


def _merged(sync: Sync, resources: Sequence[Resource], held: Mapping[str, Resource]) -> tuple[Change, ...]:
    """What is new or changed; whatever people have changed since we last wrote stays, and is told."""
    with transaction(sync.engine) as db:
        rows = db.execute(select(written).where(written.c.reference.in_([key_of(one) for one in resources])))
        bases = {row.reference: _decode(zlib.decompress(row.content)) for row in rows}
    wanted = []
    for resource in resources:
        key = key_of(resource)
        if key in bases and key in held:
            resource, kept = merged(bases[key], held[key], resource)
            for name in kept:
                sync.problems.append(f"note: {key} {name} was changed on the server and stays")
        wanted.append(resource)
    return tuple(
        Change("update", one.resource, one.held) if one.action == "kept" and key_of(one.resource) in bases else one
        for one in reconcile(wanted, held)
    )


def _note_written(sync: Sync, subject: str, resources: Iterable[Resource]) -> None:
    """Keeps what this program wanted to stand there, the base of the next merge."""
    with transaction(sync.engine) as db:
        at = sync.tick(db)
        for resource in resources:
            key, content = key_of(resource), encoded(resource)
            row = db.execute(select(written.c.content).where(written.c.reference == key)).first()
            if row is not None and zlib.decompress(row.content) == content:
                continue
            db.execute(delete(written).where(written.c.reference == key))
            db.execute(insert(written).values(reference=key, subject=subject, content=zlib.compress(content), at=at))
            cursors.note(db, at, "written", subject, key)
        reached("write-written")


def _held(sync: Sync, keys: Iterable[str]) -> dict[str, Resource]:
    """What the server holds under these references."""
    found = {}
    for key in keys:
        data = sync.reader.client.read(key)
        if data is not None:
            found[key] = _decode(data)
    return found


def _write_list(sync: Sync) -> None:
    """The List of candidates, after every ResearchSubject that it refers to is there."""
    trial = sync.rules.trial
    for tried in range(1, _TRIES + 1):
        held = _held(sync, [candidates_key(trial)])
        found = candidates(trial, list(_candidates(sync)), held.get(candidates_key(trial)))
        if found is None or plain(found) == plain(_without_meta(held.get(candidates_key(trial), {}), found)):
            return
        try:
            _send(sync, CANDIDATES, reconcile([found], held), held)
            return
        except ServerError as error:
            if error.status not in _CONFLICT or tried == _TRIES:
                sync.problems.append(f"writing the List: {error}")
                return


def _without_meta(held: Resource, found: Resource) -> Resource:
    return {**held, "meta": found["meta"]} if held else {}


def _candidates(sync: Sync) -> Iterator[Candidate]:
    """Those whose ResearchSubject the server holds by our hand."""
    trial = sync.rules.trial
    with transaction(sync.engine) as db:
        latest = list(made.latest_of(db, trial.id))
        there = set()
        for some in chunks([subject_key(trial, one.patient) for one in latest], 400):
            there |= {
                row.reference for row in db.execute(select(written.c.reference).where(written.c.reference.in_(some)))
            }
        merged_away = {one.patient for one in latest if survivor_of(db, one.patient, sync.tick(db)) != one.patient}
    for one in latest:
        key = subject_key(trial, one.patient)
        if key in there:
            yield Candidate(key, one.as_of, one.status != "ineligible" and one.patient not in merged_away)
