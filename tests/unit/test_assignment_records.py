"""The randomiser's file, CSV or JSON: what is read from it, and what is said of a file that is wrong."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from adapter.assignment.records import COLUMNS, Assignment, Refusal, read_assignments
from adapter.errors import UsageError
from tests.spec.assignment_builders import csv, row

HEAD = "study,patient,arm,assigned_at,allocation_id,recorded_by"
LINE = "ln-msc-il2,p1,MSC,2026-11-22T09:30:00+08:00,A-001,Practitioner/dr1"
Read = tuple[tuple[Assignment, ...], tuple[Refusal, ...]]
Reader = Callable[..., Read]
SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[2] / "profiles/assignment.schema.json").read_text(encoding="utf-8"))
)


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    """`read(text)`: what is read of a file of this text or these bytes."""

    def reading(content: str | bytes, name: str = "file.csv") -> Read:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_assignments(path)

    return reading


def one(found: Read) -> Assignment:
    (assignment,), refused = found
    assert refused == ()
    return assignment


def told(found: Read) -> list[tuple[str, str, str]]:
    """Where, code and sentence of every refusal."""
    return [(refusal.where, refusal.code, refusal.sentence) for refusal in found[1]]


# --- what is read


def test_a_line_becomes_an_assignment(read: Reader) -> None:
    found = one(read(f"{HEAD}\n{LINE}\n"))
    assert (found.study, found.patient, found.arm) == ("ln-msc-il2", "p1", "MSC")
    assert (found.allocation_id, found.recorded_by, found.where) == ("A-001", "Practitioner/dr1", "file.csv:2")
    assert found.instant == "2026-11-22T09:30:00+08:00"


EQUAL = {
    "a byte order mark": b"\xef\xbb\xbf" + f"{HEAD}\n{LINE}\n".encode(),
    "lines that end as in Windows": f"{HEAD}\r\n{LINE}\r\n",
    "both of it": b"\xef\xbb\xbf" + f"{HEAD}\r\n{LINE}\r\n".encode(),
    "no line break at the end": f"{HEAD}\n{LINE}",
    "empty lines at the end": f"{HEAD}\n{LINE}\n\n,,,,,\n",
    "quotes around every value": "\n".join(",".join(f'"{v}"' for v in line.split(",")) for line in (HEAD, LINE)),
    "blanks around the values": f"{HEAD}\n{LINE.replace(',', ' , ')}\n",
    "blanks around the names of the columns": f"{HEAD.replace(',', ' , ')}\n{LINE}\n",
    "the patient as a reference": f"{HEAD}\n{LINE.replace('p1', 'Patient/p1')}\n",
    "columns in another order": ",".join(reversed(HEAD.split(","))) + "\n" + ",".join(reversed(LINE.split(","))),
    "a JSON object": json.dumps(row()),
    "a JSON array of one": json.dumps([row()], indent=1),
    "JSON with a byte order mark": b"\xef\xbb\xbf" + json.dumps(row()).encode(),
    "JSON after empty lines": f"\n\n  {json.dumps(row())}",
}


@pytest.mark.parametrize("content", EQUAL.values(), ids=EQUAL)
def test_it_may_be_written_in_several_ways(read: Reader, content: str | bytes) -> None:
    found, plain = one(read(content)), one(read(csv(row())))
    assert [getattr(found, name) for name in COLUMNS] == [getattr(plain, name) for name in COLUMNS]


def test_a_value_that_holds_a_comma_is_quoted(read: Reader) -> None:
    found = one(read(f"{HEAD}\n{LINE.replace('Practitioner/dr1', chr(34) + 'Li, Ward 3' + chr(34))}\n"))
    assert found.recorded_by == "Li, Ward 3"


def test_many_lines_keep_their_order_and_know_where_they_stand(read: Reader) -> None:
    rows = [row(patient=f"p{n}", allocation_id=f"A-{n}") for n in range(3)]
    for content, first in ((csv(*rows), 2), (json.dumps(rows), 1)):
        found, refused = read(content)
        assert refused == ()
        assert [(a.patient, a.where) for a in found] == [(f"p{n}", f"file.csv:{first + n}") for n in range(3)]


TIMES = [
    ("2026-11-22T09:30:00+08:00", "2026-11-22T09:30:00+08:00"),
    ("2026-11-22T01:30:00Z", "2026-11-22T01:30:00+00:00"),
    ("2026-11-22T09:30+08:00", "2026-11-22T09:30:00+08:00"),
    ("2026-11-22T09:30:00.123456+08:00", "2026-11-22T09:30:00+08:00"),
    ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+02:00"),
    ("2026-11-22T09:30:00-05:00", "2026-11-22T09:30:00-05:00"),
]


@pytest.mark.parametrize(("text", "instant"), TIMES)
def test_the_time_keeps_the_zone_that_the_randomiser_wrote(read: Reader, text: str, instant: str) -> None:
    assert one(read(csv(row(assigned_at=text)))).instant == instant


def test_the_zone_is_an_offset_from_utc(read: Reader) -> None:
    moment = one(read(csv(row()))).assigned_at
    assert moment.utcoffset() == timedelta(hours=8)
    assert moment == datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("who", ["Practitioner/dr1", "PractitionerRole/a.b-1", "Organization/x", "Dr. Li, ward 3"])
def test_who_recorded_it_is_a_reference_or_a_name(read: Reader, who: str) -> None:
    assert one(read(json.dumps(row(recorded_by=who)))).recorded_by == who


# --- what is refused


@pytest.mark.parametrize("who", ["Practitioner/a b", "Practitioner/", "Organization/a/b", "Practitioner/" + "x" * 65])
def test_a_reference_that_fhir_does_not_allow_is_refused_by_name(read: Reader, who: str) -> None:
    ((_, code, said),) = told(read(json.dumps(row(recorded_by=who))))
    assert code == "wrong-value" and said.startswith("recorded_by is no reference that FHIR allows")


COLUMNS_ARE = f"the columns are {HEAD}"
WRONG_COLUMNS = [
    (HEAD.replace("allocation_id,", ""), f"missing: allocation_id; {COLUMNS_ARE}"),
    (
        HEAD.replace("assigned_at", "assigned_on"),
        f"no column is called 'assigned_on', write assigned_at; missing: assigned_at; {COLUMNS_ARE}",
    ),
    (
        HEAD.replace("arm", "Arm"),
        f"no column is called 'Arm', write arm; missing: arm; {COLUMNS_ARE}",
    ),
    (f"{HEAD},note", f"no column is called 'note'; {COLUMNS_ARE}"),
    (f"{HEAD},arm", f"the column arm is there twice; {COLUMNS_ARE}"),
    (HEAD.replace(",", ";"), None),
    (LINE, None),
    ("", f"missing: {', '.join(COLUMNS)}; {COLUMNS_ARE}"),
]


@pytest.mark.parametrize(("head", "sentence"), WRONG_COLUMNS, ids=lambda text: str(text)[:40])
def test_wrong_columns_are_named_once_with_the_right_ones(read: Reader, head: str, sentence: str | None) -> None:
    found = read(f"{head}\n{LINE}\n{LINE}\n")
    ((where, code, said),) = told(found)
    assert found[0] == () and (where, code) == ("file.csv:1", "wrong-columns")
    assert said == sentence if sentence else said.endswith(COLUMNS_ARE)


def test_a_line_with_more_or_fewer_values_is_refused_and_the_others_are_read(read: Reader) -> None:
    found = read(f"{HEAD}\n{LINE},more\n{LINE}\n{LINE.rpartition(',')[0]}\n")
    assert [assignment.where for assignment in found[0]] == ["file.csv:3"]
    comma = "put a value that holds a comma in quotes"
    assert told(found) == [
        ("file.csv:2", "wrong-columns", f"7 values for 6 columns; {comma}"),
        ("file.csv:4", "wrong-columns", f"5 values for 6 columns; {comma}"),
    ]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("a" * 201, "is too long or holds control characters"),
        ("a\x1b[2Jb", "is too long or holds control characters"),
    ],
    ids=["empty", "blanks", "long", "control characters"],
)
def test_every_value_is_needed_and_is_one_readable_line(read: Reader, column: str, value: str, fault: str) -> None:
    found = read(csv(row(**{column: value})))
    assert found[0] == ()
    assert told(found) == [("file.csv:2", "wrong-value", f"{column} {fault}")]


NO_TIMES = [
    "2026-11-22",
    "2026-11-22T09:30:00",
    "2026-11-22 09:30:00+08:00",
    "22.11.2026 09:30",
    "2026-11-31T09:30:00+08:00",
    "2026-02-29T09:30:00+08:00",
    "2026-11-22T25:00:00+08:00",
    "2026-11-22T09:30:00 Asia/Shanghai",
    "2026-11-22T09:30:00+0x:00",
    "yesterday",
    "1795311000",
]


@pytest.mark.parametrize("text", NO_TIMES)
def test_a_time_needs_a_date_that_exists_and_a_zone(read: Reader, text: str) -> None:
    found = read(csv(row(assigned_at=text)))
    says = f"assigned_at {text!r} is no date and time with a zone; write 2026-11-22T09:30:00+08:00"
    assert found[0] == () and told(found) == [("file.csv:2", "wrong-value", says)]
    assert found[1][0].patient == "Patient/p1"


WRONG_FILES = [
    (b"\xff\xfes\x00t\x00u\x00", "", "not UTF-8 text; save it as UTF-8"),
    ("研究,病人".encode("gb18030"), "", "not UTF-8 text; save it as UTF-8"),
    (b"[{", "", "not valid JSON"),
    (b'{"study": "a"', "", "not valid JSON"),
    (f'{HEAD}\n"ln-msc-il2,p1,MSC\n'.encode(), ":2", "not valid CSV"),
]


@pytest.mark.parametrize(("content", "line", "says"), WRONG_FILES, ids=["utf-16", "gb18030", "json", "json", "csv"])
def test_a_file_that_cannot_be_read_says_how_to_save_it(read: Reader, content: bytes, line: str, says: str) -> None:
    found = read(content)
    ((where, code, said),) = told(found)
    assert (found[0], where, code) == ((), f"file.csv{line}", "wrong-file")
    assert said.startswith(says)


@pytest.mark.parametrize("content", [f"{HEAD}\n", f"{HEAD}\n\n,,,,,\n", "[]"])
def test_a_file_without_an_assignment_is_refused(read: Reader, content: str) -> None:
    says = "no assignment in the file; add a row a patient"
    assert read(content) == ((), (Refusal("file.csv", "", "empty-file", says),))


WRONG_JSON = [
    ([1], ":1", "wrong-columns", "write an object a patient"),
    ([[row()]], ":1", "wrong-columns", "write an object a patient"),
    ([row(), "p1"], ":2", "wrong-columns", "write an object a patient"),
    (row(note="x"), ":1", "wrong-columns", f"no column is called 'note'; {COLUMNS_ARE}"),
    ({}, ":1", "wrong-columns", f"missing: {', '.join(COLUMNS)}; {COLUMNS_ARE}"),
    (row() | {"allocation_id": 7}, ":1", "wrong-value", "every value is a text in quotes"),
    (row() | {"arm": None}, ":1", "wrong-value", "every value is a text in quotes"),
    (row() | {"arm": {"id": "MSC"}}, ":1", "wrong-value", "every value is a text in quotes"),
]


def test_the_schema_describes_what_is_read() -> None:
    assert set(SCHEMA.schema["$defs"]["assignment"]["properties"]) == set(COLUMNS)
    assert SCHEMA.is_valid(row()) and SCHEMA.is_valid([row(), row(patient="Patient/p2")])
    for text, _ in TIMES:
        assert SCHEMA.is_valid(row(assigned_at=text)), text
    for document, *_ in WRONG_JSON:
        assert not SCHEMA.is_valid(document), document
    assert not SCHEMA.is_valid(row(arm="")) and not SCHEMA.is_valid([])


@pytest.mark.parametrize(("document", "line", "code", "says"), WRONG_JSON, ids=range(len(WRONG_JSON)))
def test_json_is_objects_of_texts(read: Reader, document: object, line: str, code: str, says: str) -> None:
    assert told(read(json.dumps(document))) == [(f"file.csv{line}", code, says)]


def test_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.csv cannot be read: No such file or directory"):
        read_assignments(tmp_path / "absent.csv")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_assignments(tmp_path)


def test_a_refusal_is_one_line_with_file_line_patient_sentence_and_code() -> None:
    refusal = Refusal("file.csv:2", "Patient/p1", "weight-stale", "measured too long ago")
    assert refusal.text() == "file.csv:2: Patient/p1: measured too long ago (weight-stale)"
    assert Refusal("file.csv", "", "empty-file", "no line").text() == "file.csv: no line (empty-file)"
