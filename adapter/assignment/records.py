"""The randomiser's records: a CSV of many, or JSON, one object or an array (`profiles/assignment.schema.json`)."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import cast

import msgspec

from adapter.errors import UsageError

COLUMNS = ("study", "patient", "arm", "assigned_at", "allocation_id", "recorded_by")
WHO = ("Practitioner/", "PractitionerRole/", "Organization/")
"""What `recorded_by` may refer to; anything else is a name."""
_REFERENCE = re.compile(r"[A-Za-z]+/[A-Za-z0-9.-]{1,64}")
_EXAMPLE = "2026-11-22T09:30:00+08:00"
_MOST = 200
_ZONE = re.compile(r"(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)\Z")


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the randomiser decided for one patient. `where` is the file and line, for messages."""

    study: str
    patient: str
    arm: str
    assigned_at: datetime
    allocation_id: str
    recorded_by: str
    where: str = ""

    @property
    def instant(self) -> str:
        """The time as FHIR writes an instant."""
        return self.assigned_at.isoformat()


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """Why an assignment is not carried out: a short free code, and a sentence that says what to do."""

    where: str
    patient: str
    code: str
    sentence: str

    def text(self) -> str:
        """One line for a person."""
        return f"{self.where}: {self.patient + ': ' if self.patient else ''}{self.sentence} ({self.code})"


def read_assignments(path: Path) -> tuple[tuple[Assignment, ...], tuple[Refusal, ...]]:
    """The records of a file that can be read, and a refusal for each that cannot. UsageError: no such file."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; name a CSV or JSON file of assignments") from None
    except UnicodeDecodeError:
        return (), (Refusal(path.name, "", "wrong-file", "not UTF-8 text; save it as UTF-8"),)
    is_json = text.lstrip()[:1] in ("[", "{")
    rows = _json_rows(text, path.name) if is_json else _csv_rows(text, path.name)
    found: list[Assignment] = []
    refused: list[Refusal] = []
    for row in rows:
        if isinstance(row, Refusal):
            refused.append(row)
        elif isinstance(made := _assignment(*row), Refusal):
            refused.append(made)
        else:
            found.append(made)
    if not found and not refused:
        refused.append(Refusal(path.name, "", "empty-file", "no assignment in the file; add a row a patient"))
    return tuple(found), tuple(refused)


_Row = tuple[str, dict[str, str]]


def _json_rows(text: str, name: str) -> Iterator[_Row | Refusal]:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        yield Refusal(name, "", "wrong-file", f"not valid JSON: {str(error)[:200]}")
        return
    for number, row in enumerate(document if isinstance(document, list) else [document], 1):
        where = f"{name}:{number}"
        if not isinstance(row, dict) or (wrong := _wrong_names(tuple(row))):
            yield Refusal(where, "", "wrong-columns", wrong if isinstance(row, dict) else "write an object a patient")
        elif not all(isinstance(value, str) for value in row.values()):
            yield Refusal(where, "", "wrong-value", "every value is a text in quotes")
        else:
            yield where, cast(dict[str, str], row)


def _csv_rows(text: str, name: str) -> Iterator[_Row | Refusal]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [column.strip() for column in next(reader, [])]
        if wrong := _wrong_names(tuple(head)):
            yield Refusal(f"{name}:1", "", "wrong-columns", wrong)
            return
        for row in reader:
            if not any(value.strip() for value in row):
                continue
            where = f"{name}:{reader.line_num}"
            if len(row) != len(head):
                told = f"{len(row)} values for {len(head)} columns; put a value that holds a comma in quotes"
                yield Refusal(where, "", "wrong-columns", told)
            else:
                yield where, dict(zip(head, row, strict=True))
    except csv.Error as error:
        yield Refusal(f"{name}:{reader.line_num}", "", "wrong-file", f"not valid CSV: {error}")


def _wrong_names(names: Sequence[str]) -> str:
    """What is wrong with the columns of a CSV or the keys of an object; empty where nothing is."""
    missing = [name for name in COLUMNS if name not in names]
    told = []
    for name in dict.fromkeys(name for name in names if name not in COLUMNS):
        near = get_close_matches(name.lower(), missing, 1)
        told.append(f"no column is called {name[:40]!r}{f', write {near[0]}' if near else ''}")
    told += [f"the column {name} is there twice" for name in COLUMNS if list(names).count(name) > 1]
    if missing:
        told.append(f"missing: {', '.join(missing)}")
    return f"{'; '.join(told)}; the columns are {','.join(COLUMNS)}" if told else ""


def _assignment(where: str, row: dict[str, str]) -> Assignment | Refusal:
    values = {name: value.strip() for name, value in row.items()}
    patient = values["patient"].removeprefix("Patient/")
    told = f"Patient/{patient}" if patient else ""
    for name, value in values.items():
        if not value or len(value) > _MOST or not value.isprintable():
            fault = f"{name} is empty" if not value else f"{name} is too long or holds control characters"
            return Refusal(where, told, "wrong-value", fault)
    if values["recorded_by"].startswith("Device/"):
        return Refusal(where, told, "wrong-value", "recorded_by is a Device; name the person who recorded it")
    if values["recorded_by"].startswith(WHO) and not _REFERENCE.fullmatch(values["recorded_by"]):
        told_who = "recorded_by is no reference that FHIR allows; write one such as Practitioner/dr1, or a name"
        return Refusal(where, told, "wrong-value", told_who)
    moment = _moment(values["assigned_at"])
    if moment is None:
        told_time = f"assigned_at {values['assigned_at'][:40]!r} is no date and time with a zone; write {_EXAMPLE}"
        return Refusal(where, told, "wrong-value", told_time)
    return Assignment(
        values["study"], patient, values["arm"], moment, values["allocation_id"], values["recorded_by"], where
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    usual = moment.tzinfo and 1900 <= moment.year <= 2200 and _ZONE.search(text)
    return moment.replace(microsecond=0) if "T" in text and usual else None
