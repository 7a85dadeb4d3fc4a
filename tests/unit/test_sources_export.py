"""Folders: by type, mixed, Bundles of patients; what a manifest covers; when a patient is done; memory."""

import gzip
import json
import random
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapter.errors import Issue, UsageError
from adapter.sources.events import Covered, Event, PatientDone, Record, SamePatient, Unreadable
from adapter.sources.export import read

Json = dict[str, Any]


def patient(n: object, **elements: object) -> Json:
    return {"resourceType": "Patient", "id": f"p{n}", **elements}


def observation(n: object, of: object, **elements: object) -> Json:
    subject = of if isinstance(of, dict) else {"reference": f"Patient/p{of}"}
    return {"resourceType": "Observation", "id": f"o{n}", "code": {"text": "x"}, "subject": subject, **elements}


def bundle(*resources: Json) -> Json:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def write(folder: Path, **files: Iterable[Json]) -> Path:
    """`Observation=[...]` becomes Observation.ndjson."""
    for name, resources in files.items():
        text = "".join(json.dumps(one) + "\n" for one in resources)
        (folder / f"{name}.ndjson").write_text(text, encoding="utf-8")
    return folder


def events(*paths: Path) -> list[Event]:
    return list(read([str(path) for path in paths]))


def records(found: Iterable[Event]) -> list[str]:
    return [one.reference for one in found if isinstance(one, Record)]


def errors(found: Iterable[Event]) -> list[Issue]:
    all_ = (one.issue if isinstance(one, Unreadable) else one for one in found)
    return [one for one in all_ if isinstance(one, Issue)]


def done(found: Iterable[Event]) -> list[str]:
    return [one.subject for one in found if isinstance(one, PatientDone)]


# --- what is read of a folder


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    write(tmp_path, c=[observation(3, 1)], a=[patient(1), observation(1, 1)])
    write(tmp_path / "b", z=[observation(2, 1)])
    found = records(events(tmp_path))
    assert found == ["Patient/p1", "Observation/o1", "Observation/o3", "Observation/o2"]


def test_only_fhir_json_of_a_folder_is_read(tmp_path: Path) -> None:
    text = json.dumps(observation(1, 1))
    for name in ("a.json", "b.ndjson", "c.jsonl", "d.JSON", "e"):
        (tmp_path / name).write_text(text.replace("o1", name[0]), encoding="utf-8")
    (tmp_path / "f.ndjson.gz").write_bytes(gzip.compress(text.replace("o1", "f").encode()))
    for name in ("README.md", "x.csv", ".DS_Store", ".hidden.json", "y.log", "z.json.bak", "LICENSE"):
        (tmp_path / name).write_text("{} not FHIR" if name != "LICENSE" else "Apache", encoding="utf-8")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "a.json").write_text("{}", encoding="utf-8")
    found = events(tmp_path)
    assert sorted(records(found)) == [f"Observation/{name}" for name in "abcdef"]
    assert errors(found) == []


@pytest.mark.parametrize("names", [(), ("README.md", "table.csv")])
def test_a_folder_without_fhir_is_an_issue(names: tuple[str, ...], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).write_text("nothing", encoding="utf-8")
    (issue,) = errors(events(tmp_path))
    assert issue.severity == "error" and issue.file == str(tmp_path) and "without FHIR" in issue.problem


def test_json_that_is_no_fhir_is_an_issue(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "x"}', encoding="utf-8")
    (issue,) = errors(events(tmp_path))
    assert (issue.severity, issue.path) == ("error", "resourceType")


def test_an_empty_file_of_an_export_is_no_issue(tmp_path: Path) -> None:
    assert errors(events(write(tmp_path, Observation=[], Patient=[patient(1)]))) == []


def test_an_ignored_name_is_read_when_it_is_given(tmp_path: Path) -> None:
    file = tmp_path / "export.txt"
    file.write_text(json.dumps(patient(1)), encoding="utf-8")
    assert records(events(file)) == ["Patient/p1"]


def test_a_path_that_does_not_exist_is_a_wrong_call(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        read([str(tmp_path / "nothing.json")])


def test_a_path_given_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, a=[patient(1)])
    assert records(events(tmp_path, tmp_path)) == ["Patient/p1"]


def test_the_order_of_files_and_lines_changes_no_record(tmp_path: Path) -> None:
    resources = [patient(n) for n in range(4)] + [observation(n, n % 4) for n in range(40)]
    shuffle = random.Random(7)
    seen = set()
    for round_ in range(5):
        shuffle.shuffle(resources)
        folder = tmp_path / str(round_)
        folder.mkdir()
        write(folder, a=resources[:15], b=resources[15:])
        found = events(folder)
        assert errors(found) == []
        seen.add(tuple(sorted((r.reference, str(r.subject), r.also) for r in found if isinstance(r, Record))))
    assert len(seen) == 1


# --- a patient is done


def test_each_patient_of_a_folder_of_bundles_is_done_after_his_last(tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.json").write_text(json.dumps(bundle(patient(n), observation(n, n))), encoding="utf-8")
    (tmp_path / "3.json").write_text(json.dumps(bundle(observation(9, 0))), encoding="utf-8")
    found = events(tmp_path)
    assert done(found) == ["Patient/p1", "Patient/p2", "Patient/p0"]
    _check(found)


def _check(found: list[Event]) -> None:
    """Nothing of a patient may come after he is done."""
    over: set[str] = set()
    for event in found:
        if isinstance(event, PatientDone):
            over.add(event.subject)
        elif isinstance(event, Record | Unreadable):
            assert event.subject not in over


def test_mixed_ndjson_is_done_line_by_line(tmp_path: Path) -> None:
    lines = [line for n in range(5) for line in (patient(n), observation(n, n), observation(f"b{n}", n))]
    found = events(write(tmp_path, mixed=[*lines, observation("late", 2)]))
    assert done(found) == ["Patient/p0", "Patient/p1", "Patient/p3", "Patient/p4", "Patient/p2"]
    assert found.index(PatientDone("Patient/p0")) == 3
    _check(found)


def test_nobody_is_done_early_in_an_export_by_type(tmp_path: Path) -> None:
    found = events(write(tmp_path, Observation=[observation(n, n) for n in range(3)], Patient=[patient(1)]))
    assert len(records(found)) == 4 and done(found) == []


def test_nobody_is_done_early_on_standard_input(tmp_path: Path) -> None:
    with (write(tmp_path, a=[patient(1), observation(1, 1)]) / "a.ndjson").open("rb") as stream:
        found = list(read(["-"], stdin=stream))
    assert len(records(found)) == 2 and done(found) == []


def test_lines_with_sorted_keys_are_told_apart_too(tmp_path: Path) -> None:
    lines = [json.dumps(one, sort_keys=True) for n in range(3) for one in (observation(n, n), patient(n))]
    (tmp_path / "a.ndjson").write_text("\n".join(lines), encoding="utf-8")
    assert done(events(tmp_path)) == ["Patient/p0", "Patient/p1", "Patient/p2"]


def test_bundles_as_lines_are_done_line_by_line(tmp_path: Path) -> None:
    found = events(write(tmp_path, a=[bundle(patient(n), observation(n, n)) for n in range(3)]))
    assert [type(one).__name__ for one in found] == ["Record", "Record", "PatientDone"] * 3


def test_merged_patients_are_done_together(tmp_path: Path) -> None:
    link = [{"type": "replaced-by", "other": {"reference": "Patient/p1"}}]
    found = events(
        write(
            tmp_path,
            mixed=[
                patient(0, link=link),
                observation(1, 0),
                patient(2),
                observation(2, 1),
                observation(3, 2),
                observation(4, 0),
            ],
        )
    )
    assert SamePatient("Patient/p0", "Patient/p1") in found
    assert done(found) == ["Patient/p2", "Patient/p1"]
    assert isinstance(found[-1], PatientDone)


def test_a_merge_told_late_still_comes_before_the_end(tmp_path: Path) -> None:
    link = [{"type": "replaced-by", "other": {"reference": "Patient/p1"}}]
    late = [observation(1, 0), patient(1), observation(2, 1), patient(2), patient(0, link=link)]
    assert done(events(write(tmp_path, mixed=late))) == ["Patient/p2", "Patient/p1"]


def test_a_patient_known_by_identifier_is_done_with_all_his_names(tmp_path: Path) -> None:
    mrn = {"system": "urn:mrn", "value": "7"}
    lines = [observation(1, {"identifier": mrn}), patient(2), patient(1, identifier=[mrn]), observation(2, 2)]
    found = events(write(tmp_path, mixed=[*lines, observation(3, {"identifier": mrn})]))
    assert done(found) == ["Patient/p2", "Patient/p1"]
    assert isinstance(found[-1], PatientDone)


def test_a_patient_waits_for_the_medication_that_he_takes(tmp_path: Path) -> None:
    taken = {
        "resourceType": "MedicationStatement",
        "id": "s",
        "medicationReference": {"reference": "Medication/m"},
        "subject": {"reference": "Patient/p1"},
    }
    lines = [patient(1), taken, patient(2), observation(2, 2), {"resourceType": "Medication", "id": "m"}, patient(3)]
    found = events(write(tmp_path, mixed=lines))
    assert done(found) == ["Patient/p2", "Patient/p1", "Patient/p3"]
    assert "Medication/m" in records(found[: found.index(PatientDone("Patient/p1"))])


def test_an_unreadable_line_keeps_its_patient_open(tmp_path: Path) -> None:
    lines = [patient(1), observation(1, 1), patient(2), observation(2, 2), observation(3, 1, status=3)]
    found = events(write(tmp_path, mixed=lines))
    assert done(found) == ["Patient/p2", "Patient/p1"]
    _check(found)


def test_each_patient_is_done_once_whatever_the_order(tmp_path: Path) -> None:
    shuffle = random.Random(11)
    for round_ in range(20):
        lines = [patient(n) for n in range(8)] + [observation(n, n % 8) for n in range(60)]
        shuffle.shuffle(lines)
        folder = tmp_path / str(round_)
        folder.mkdir()
        found = events(write(folder, a=lines[:20], b=lines[20:]))
        assert sorted(done(found)) == [f"Patient/p{n}" for n in range(8)]
        _check(found)


# --- memory


def _grouped(patients: int) -> Iterator[str]:
    for n in range(patients):
        yield json.dumps(patient(n)) + "\n"
        for m in range(20):
            yield json.dumps(observation(f"{n}-{m}", n, note=[{"text": "a" * 500}])) + "\n"


def _peak(file: Path) -> int:
    open_: dict[str, list[Event]] = {}
    tracemalloc.start()
    for event in read([str(file)]):
        if isinstance(event, PatientDone):
            del open_[event.subject]
        elif isinstance(event, Record):
            open_.setdefault(str(event.subject), []).append(event)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert open_ == {}
    return peak


def test_memory_is_flat_for_an_export_grouped_by_patient(tmp_path: Path) -> None:
    sizes, peaks = [], []
    for patients in (200, 1000):
        file = tmp_path / f"{patients}.ndjson"
        file.write_text("".join(_grouped(patients)), encoding="utf-8")
        sizes.append(file.stat().st_size)
        peaks.append(_peak(file))
    assert sizes[1] - sizes[0] > 9_000_000
    assert (peaks[1] - peaks[0]) / (sizes[1] - sizes[0]) < 0.05  # the key of each patient is all that stays


# --- the manifest of an export

REQUEST = "https://h.example/fhir/Patient/$export"


def _manifest(folder: Path, request: str = REQUEST, **elements: object) -> Path:
    outputs = [
        {"type": file.name.split(".")[0], "url": f"https://h.example/files/{file.name}"}
        for file in sorted(folder.glob("*.ndjson*"))
    ]
    made = {
        "transactionTime": "2026-11-22T00:00:00Z",
        "request": request,
        "requiresAccessToken": False,
        "output": outputs,
        "error": [],
    }
    made = {name: value for name, value in (made | elements).items() if value is not None}
    (folder / "manifest.json").write_text(json.dumps(made, indent=1), encoding="utf-8")
    return folder


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write(tmp_path, Patient=[patient(1), patient(2)], Observation=[observation(1, 1)])


def covered(found: Iterable[Event]) -> list[tuple[list[str], str | None]]:
    return [(sorted(one.types), one.subject) for one in found if isinstance(one, Covered)]


@pytest.mark.parametrize(
    "request_url",
    [
        REQUEST,
        "https://h.example/fhir/$export",
        "https://h.example/fhir/Group/g/$export?_outputFormat=application/fhir%2Bndjson",
        "https://h.example/fhir/Patient/%24export",
    ],
)
def test_a_whole_export_covers_its_types_for_everybody(request_url: str, export: Path) -> None:
    found = events(_manifest(export, request_url))
    assert covered(found) == [(["Observation", "Patient"], None)]
    assert errors(found) == [] and len(records(found)) == 3


def test_a_requested_type_without_output_was_exported_empty(export: Path) -> None:
    for query in ("_type=Patient,Observation,Procedure", "_type=Patient&_type=Observation&_type=Procedure"):
        found = events(_manifest(export, f"{REQUEST}?{query}"))
        assert covered(found) == [(["Observation", "Patient", "Procedure"], None)]


@pytest.mark.parametrize(
    ("request_url", "elements", "why"),
    [
        (f"{REQUEST}?_since=2026-01-01T00:00:00Z", {}, "_since"),
        (f"{REQUEST}?_typeFilter=Observation%3Fcode%3D1", {}, "_typeFilter"),
        (f"{REQUEST}?_until=2026-01-01T00:00:00Z", {}, "_until"),
        (f"{REQUEST}?_elements=id", {}, "_elements"),
        ("https://h.example/fhir/Observation?patient=p1", {}, "$export"),
        (REQUEST, {"error": [{"type": "OperationOutcome", "url": "https://h.example/e.ndjson"}]}, "error"),
        (REQUEST, {"error": None}, "error"),
        (REQUEST, {"link": [{"relation": "next", "url": "https://h.example/2"}]}, "further pages"),
    ],
)
def test_an_export_that_is_not_whole_covers_nothing_and_says_why(
    request_url: str, elements: Json, why: str, export: Path
) -> None:
    found = events(_manifest(export, request_url, **elements))
    assert covered(found) == [] and len(records(found)) == 3
    (issue,) = errors(found)
    assert issue.severity == "note" and why in issue.problem and issue.file.endswith("manifest.json")


def test_a_listed_file_that_is_missing_uncovers_its_type(export: Path) -> None:
    _manifest(export)
    (export / "Observation.ndjson").unlink()
    found = events(export)
    assert covered(found) == [(["Patient"], None)]
    assert [(i.severity, Path(i.file).name) for i in errors(found)] == [("error", "Observation.ndjson")]


def test_a_listed_file_that_breaks_off_uncovers_its_type(export: Path) -> None:
    packed = gzip.compress((export / "Observation.ndjson").read_bytes() * 50)
    (export / "Observation.ndjson").unlink()
    (export / "Observation.ndjson.gz").write_bytes(packed[:-20])
    found = events(_manifest(export))
    assert covered(found) == [(["Patient"], None)]
    assert any("could not be read to its end" in issue.problem for issue in errors(found))


def test_fewer_resources_than_the_manifest_counts_uncover_the_type(export: Path) -> None:
    outputs = [
        {"type": "Patient", "url": "https://h.example/Patient.ndjson", "count": 2},
        {"type": "Observation", "url": "https://h.example/Observation.ndjson", "count": 2},
    ]
    found = events(_manifest(export, output=outputs))
    assert covered(found) == [(["Patient"], None)]
    assert any("counts 2 resources, but 1" in issue.problem for issue in errors(found))


def test_a_broken_line_leaves_the_type_covered_but_not_for_its_patient(export: Path) -> None:
    write(export, Observation=[observation(1, 1), observation(2, 2, status=3)])
    found = events(_manifest(export))
    assert covered(found) == [(["Observation", "Patient"], None)]
    assert [(u.type, u.subject) for u in found if isinstance(u, Unreadable)] == [("Observation", "Patient/p2")]


def test_a_file_saved_under_another_packing_is_found(export: Path) -> None:
    outputs = [{"type": "Patient", "url": "https://h.example/x/Patient"}]
    outputs += [{"type": "Observation", "url": "https://h.example/x/Observation.ndjson?token=1"}]
    _manifest(export, output=outputs)
    data = (export / "Observation.ndjson").read_bytes()
    (export / "Observation.ndjson").unlink()
    (export / "sub").mkdir()
    (export / "sub" / "Observation.ndjson.gz").write_bytes(gzip.compress(data))
    assert covered(events(export)) == [(["Observation", "Patient"], None)]


def test_an_export_read_with_other_files_covers_only_its_own_patients(export: Path, tmp_path: Path) -> None:
    other = tmp_path.parent / f"{tmp_path.name}-other.json"
    other.write_text(json.dumps(bundle(patient(9), observation(9, 9))), encoding="utf-8")
    found = events(_manifest(export), other)
    assert covered(found) == [
        (["Observation", "Patient"], "Patient/p1"),
        (["Observation", "Patient"], "Patient/p2"),
    ]


def test_an_export_organised_by_patient_covers_what_was_requested(tmp_path: Path) -> None:
    write(tmp_path, p1=[patient(1), observation(1, 1)])
    outputs = [{"url": "https://h.example/p1.ndjson"}]
    _manifest(tmp_path, f"{REQUEST}?_type=Patient,Observation&organizeOutputBy=Patient", output=outputs)
    assert covered(events(tmp_path)) == [(["Observation", "Patient"], None)]
    _manifest(tmp_path, f"{REQUEST}?organizeOutputBy=Patient", output=outputs)
    assert covered(events(tmp_path)) == []


def test_a_file_called_manifest_that_is_none_is_read_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(bundle(patient(1))), encoding="utf-8")
    assert records(events(tmp_path)) == ["Patient/p1"]
    (tmp_path / "manifest.json").write_text('{"output": []}', encoding="utf-8")
    assert [issue.path for issue in errors(events(tmp_path))] == ["resourceType"]
