"""The first reading by Bulk Data `$export`: kicked off, waited for, fetched, learned; resumed where it was cut off.

Source: hl7.org/fhir/uv/bulkdata/export.html. The files lie in a folder of the store for as long as they are read.
"""

import hashlib
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import update

from adapter.errors import ServerError
from adapter.facts.model import Fact
from adapter.fhir.client import JSON
from adapter.fhir.wire import Answer
from adapter.sources.coverage import listed_names, read_manifest
from adapter.sources.events import Covered, Event, Record, SamePatient, Unreadable
from adapter.sources.export import read
from adapter.store import cursors
from adapter.store.database import transaction
from adapter.store.knowledge import Coverage, Known, cover, learn_whole, mark_due, merge
from adapter.store.tables import cohort
from adapter.sync.failpoint import reached
from adapter.sync.plan import chunks
from adapter.sync.reading import merges_of
from adapter.sync.run import FOUND, LONG_AGO, Sync, changes_of, join, since

_STATUS, _DONE = "export status", "exported"
_MANY = 50
_LONGEST_PAUSE = 30.0


class _Manifest(msgspec.Struct, rename="camel"):
    transaction_time: str


def export_first(sync: Sync, folder: Path) -> None:
    """Reads everybody by export, once in the life of a store. Raises ServerError where the server cannot."""
    with transaction(sync.engine) as db:
        status, done = cursors.cursor(db, _STATUS), cursors.cursor(db, _DONE)
    if done:
        if status:  # cut off after everything was learned
            _clean_up(sync, status, folder)
        return
    status = status or _kicked_off(sync)
    reached("export-begun")
    data = _finished(sync, status)
    if data is None:
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _fetch(sync, data, folder)
    reached("export-fetched")
    _learn(sync, data, folder)
    reached("export-learned")
    _clean_up(sync, status, folder)


def _kicked_off(sync: Sync) -> str:
    """The URL of the status, kept so that another run can go on."""
    types = ",".join((*sync.types, "Medication"))
    headers = {"Accept": JSON, "Prefer": "respond-async"}
    path = f"$export?_type={types}"
    answer = sync.reader.client.wire.send("GET", path, lambda one: one, headers=headers, repeatable=False)
    status = answer.headers.get("content-location", "")
    if answer.status != 202 or not status:
        raise ServerError(f"GET $export: {answer.status} without Content-Location; set sync.export = false")
    with transaction(sync.engine) as db:
        cursors.move(db, _STATUS, status)
    return status


def _finished(sync: Sync, status: str) -> bytes | None:
    """The manifest, when the server has it; None where somebody asks to stop."""
    wire, until = sync.reader.client.wire, sync.now() + timedelta(minutes=sync.settings.sync.export_minutes)
    while not sync.stop():
        try:
            answer = wire.send("GET", status, lambda one: one, headers={"Accept": "application/json"})
        except ServerError:
            _forget(sync)
            raise
        if answer.status == 200:
            return answer.body
        if sync.now() > until:
            raise ServerError("the export takes longer than sync.export-minutes; the next run waits on")
        wire.sleep(_pause(answer))
    return None


def _pause(answer: Answer) -> float:
    """As long as the server says, but no longer than half a minute: some say two minutes and need a second."""
    text = answer.headers.get("retry-after", "")
    return min(float(text) if text.isascii() and text.isdigit() else 5.0, _LONGEST_PAUSE)


def _fetch(sync: Sync, data: bytes, folder: Path) -> None:
    """Every file of the manifest that is not there whole already; a name says that it is."""
    manifest = read_manifest(data)
    if manifest is None:
        raise ServerError("the export's manifest is none that Bulk Data describes")
    for output in manifest.outputs:
        place = folder / f"{listed_names(output.url)[0]}.ndjson"
        if not place.exists():
            beside = place.with_suffix(".part")
            with beside.open("w+b") as sink:
                headers = {"Accept": "application/fhir+ndjson"}
                sync.reader.client.wire.send("GET", output.url, lambda one: one, headers=headers, into=sink)
            beside.rename(place)
            reached("export-file")
    (folder / "manifest.json").write_bytes(data)


def _learn(sync: Sync, data: bytes, folder: Path) -> None:
    """Two looks at the files: who could matter, then everything of them."""
    found = _members(sync, folder)
    ours, covered = _of(sync, folder, set(found))
    moment = datetime.fromisoformat(msgspec.json.decode(data, type=_Manifest).transaction_time).astimezone(UTC)
    rows: dict[str, list[Known]] = {}
    for row in sync.reader.known(ours):
        rows.setdefault(row.subject, []).append(row)
    merges = merges_of(event for event in ours if isinstance(event, SamePatient) or _is_patient(event))
    types = [type_ for type_ in sync.types if type_ in covered]
    for some in chunks(sorted(found), _MANY):
        with transaction(sync.engine) as db:
            at = sync.tick(db)
            join(sync, db, at, {one: found[one] for one in some})
            for subject in some:
                learn_whole(db, at, subject, types, rows.get(subject, []))
                for pairs in [merges[subject]] if subject in merges else []:
                    merge(db, at, subject, pairs)
            why = "the export did not give it completely; ask those who run the server"
            lines = [
                Coverage(s, t, t in covered, "" if t in covered else why, "$export", sync.scopes)
                for s in some
                for t in sync.types
            ]
            mark_due(db, at, set(some) | cover(db, at, lines))
            read_at = at if covered.issuperset(sync.types) else LONG_AGO  # what is missing is searched for at once
            db.execute(update(cohort).where(cohort.c.subject.in_(some)).values(read_at=read_at))
            sync.count("patients read by export", len(some))
            reached("export-chunk")
    missing = [type_ for type_ in sync.types if type_ not in covered]
    sync.problems += [f"note: {type_} was not exported completely and is searched for" for type_ in missing]
    with transaction(sync.engine) as db:
        for type_ in (*sync.types, "Medication"):
            cursors.move(db, changes_of(type_), since(sync, moment, skewed=False))
        cursors.move(db, FOUND, since(sync, moment, skewed=False))
        cursors.move(db, _DONE, moment.isoformat())


def _members(sync: Sync, folder: Path) -> dict[str, str]:
    """Patient -> why he could matter: everybody, or whose Conditions are the trial's, and who is merged with him."""
    events = read([str(folder)])
    if sync.settings.cohort.everybody:
        return {event.reference: "everybody" for event in events if _is_patient(event) and isinstance(event, Record)}
    trial, found, pairs = sync.rules.trial, set[str](), list[SamePatient]()
    for event in events:
        if isinstance(event, SamePatient):
            pairs.append(event)
        elif isinstance(event, Record) and event.type == "Condition" and event.subject not in found:
            items = [item for row in sync.reader.known([event]) for item in row.items]
            if event.subject and any(isinstance(item, Fact) and item.name in trial.cohort for item in items):
                found.add(event.subject)
        elif isinstance(event, Unreadable) and event.type == "Condition" and event.subject:
            found.add(event.subject)
    for _ in pairs:
        found |= {key for pair in pairs if {pair.key, pair.survivor} & found for key in (pair.key, pair.survivor)}
    return {one: "a Condition of the trial" for one in sorted(found) if one.startswith("Patient/")}


def _of(sync: Sync, folder: Path, subjects: set[str]) -> tuple[list[Event], set[str]]:
    """The records of these patients, and the types that the export gave completely. Medications are remembered."""
    ours: list[Event] = []
    covered: set[str] = set()
    for event in read([str(folder)]):
        if isinstance(event, Covered) and event.subject is None:
            covered |= event.types
        elif isinstance(event, Record) and event.type == "Medication":
            sync.reader.remember(event)
        elif isinstance(event, SamePatient):
            if {event.key, event.survivor} & subjects:
                ours.append(event)
        elif getattr(event, "subject", None) in subjects:
            ours.append(event)
    return ours, covered


def _is_patient(event: Event) -> bool:
    return isinstance(event, Record) and event.type == "Patient"


def _clean_up(sync: Sync, status: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _forget(sync)
    try:
        sync.reader.client.wire.send("DELETE", status, lambda one: one)
    except ServerError as error:
        if error.status not in (404, 410):  # HAPI deletes what is finished by itself
            sync.problems.append(f"note: the export could not be deleted on the server: {error}")


def _forget(sync: Sync) -> None:
    with transaction(sync.engine) as db:
        cursors.move(db, _STATUS, None)


def folder_of(sync: Sync) -> Path:
    """Where the files of an export lie: beside a store in a file, else in the site's folder."""
    name = hashlib.sha256(str(sync.engine.url.render_as_string(hide_password=True)).encode()).hexdigest()[:12]
    place = (
        Path(sync.engine.url.database or "").parent if sync.engine.dialect.name == "sqlite" else sync.settings.folder
    )
    return place / f".export-{name}"
