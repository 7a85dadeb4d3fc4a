"""`trial-adapter assign` as a person calls it: what is written, what is refused, and what a second run leaves alone."""

import errno
import json
import os
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapter.assignment.records import read_assignments
from adapter.sinks.folder import held_in
from tests.builders import Json, administration, also, as_json, bundle, code, consent, loinc, observation
from tests.commands import Call, Done, caller
from tests.spec.assignment_builders import DAY, csv, named, person, row, signatures, subject, weight
from tests.spec.exclusion_builders import ago, ahead

ROOT = Path(__file__).parent.parent
FORMS = ("resources", "bundle", "ndjson")
STUDY = {
    "ActivityDefinition",
    "Device",
    "Group",
    "Location",
    "Organization",
    "PlanDefinition",
    "Questionnaire",
    "ResearchStudy",
}
PERSONAL = {"CarePlan", "MedicationRequest", "Provenance", "ResearchSubject"}
TWO = [*person(), *named(person(), "p2")]
SECOND = row(patient="p2", arm="IL-2", allocation_id="A-002")
RITUXIMAB = administration(code("atc", "L01FA01"), ago(30))
WITHDRAWN = consent(ahead(5), status="inactive")
POSITIVE = observation(loinc("2118-8"), code("snomed", "10828004"), on=ahead(5))
Files = dict[str, tuple[bytes, int]]


@dataclass(frozen=True)
class Desk:
    """A folder with a source, the randomiser's file and the signatures, and the command over them."""

    folder: Path
    call: Call

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def lay(
        self, records: Iterable[Json] | None = None, lines: str | bytes | None = None, signed: str = signatures()
    ) -> None:
        """Puts the files there; by default the eligible woman, one line for her, every reading signed."""
        lines = csv(row()) if lines is None else lines
        (self.folder / "source.json").write_bytes(as_json(bundle(*(person() if records is None else records))))
        (self.folder / "lines.csv").write_bytes(lines if isinstance(lines, bytes) else lines.encode())
        (self.folder / "signed.yaml").write_text(signed, encoding="utf-8")

    def assign(self, *more: object, day: object = DAY, out: Path | None = None, lines: bool = True) -> Done:
        """The command with the usual options; `more` come last."""
        given = ("--assignments", self.folder / "lines.csv") if lines else ()
        usual = ("--readings", self.folder / "signed.yaml", "--complete", "all", "--as-of", day)
        return self.call("assign", self.folder / "source.json", *given, *usual, "--out", out or self.out, *more)

    def files(self) -> Files:
        """Every file of the folder: its bytes and when it was written."""
        paths = [path for path in self.out.rglob("*") if path.is_file()]
        return {p.relative_to(self.out).as_posix(): (p.read_bytes(), p.stat().st_mtime_ns) for p in paths}

    def held(self, type_: str) -> list[Any]:
        """The resources of one type in the folder, whatever its format."""
        return [plain(one) for key, one in sorted(held_in(self.out).items()) if key.startswith(f"{type_}/")]

    def edit(self, type_: str, change: Callable[[dict[str, Any]], None]) -> None:
        """A person changes every resource of a type, in whatever file it stands."""
        for path in [path for path in self.out.rglob("*") if path.is_file()]:
            lines = (
                path.read_text(encoding="utf-8").splitlines() if path.suffix == ".ndjson" else [path.read_text("utf-8")]
            )
            path.write_text("\n".join(_edited(line, type_, change) for line in lines) + "\n", encoding="utf-8")


def _edited(text: str, type_: str, change: Callable[[dict[str, Any]], None]) -> str:
    document = json.loads(text)
    inside = [entry["resource"] for entry in document.get("entry", ())] if document["resourceType"] == "Bundle" else []
    found = [one for one in (document, *inside) if one["resourceType"] == type_]
    for one in found:
        change(one)
    return json.dumps(document) if found else text.rstrip("\n")


def plain(value: Any) -> Any:
    """JSON with numbers as their text."""
    return json.loads(json.dumps(value, default=str))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Desk:
    found = Desk(tmp_path, caller(monkeypatch, capsysbinary))
    found.lay()
    return found


# --- what is written


def test_an_approved_assignment_is_written_and_told_as_a_nurse_reads_it(desk: Desk) -> None:
    done = desk.assign("--first-dose", "2026-11-30")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "Patient/p1, allocation A-001",
        "  MSCs group: Human umbilical cord mesenchymal stem cells (ln-msc-il2)",
        "  A plan, not an order: nothing may be given before a physician has ordered it.",
        "  120 x 10^6 cells, suspended in 30 ml saline, intravenous, once.",
        "  2 x 10^6 cells/kg x 60 kg = 120 x 10^6 cells (the measured weight is referred to).",
        "  Infusion 1 of 1: Mon 2026-11-30",
        "",
        f"{desk.out}: 15 new; 15 files written",
    ]


def as_reference(records: Iterable[Json]) -> set[str]:
    return {f"{one['resourceType']}/{one['id']}" for one in records}


def test_of_a_patient_four_kinds_are_written_beside_the_study_and_the_list(desk: Desk) -> None:
    assert desk.assign().code == 0
    types = {Path(name).parts[0] for name in desk.files()}
    assert types == STUDY | PERSONAL | {"List"}


@pytest.mark.parametrize("form", FORMS)
def test_whatever_is_referred_to_is_there(desk: Desk, form: str) -> None:
    desk.lay(TWO, csv(row(), SECOND))
    assert desk.assign("--format", form).code == 0
    held = held_in(desk.out)
    known = {*held, *as_reference(TWO), "Practitioner/dr1"}
    found = re.findall(r'"reference": "([^"]+)"', json.dumps([*held.values()], default=str))
    assert found and {text.partition("/_history/")[0] for text in found} <= known


def test_the_demonstration_ends_with_both_arms_plans(desk: Desk) -> None:
    example = ROOT / "examples" / "assignment"
    source = ("assign", ROOT / "examples" / "cohort", "--assignments", example / "assignments.csv")
    asked = ("--as-of", "2026-11-22", "--complete", "all", "--readings", example / "readings.yaml", "--out", desk.out)
    done = desk.call(*source, *asked)
    assert done.code in (0, 1) and "refused" not in done.err
    assert "MSCs group: " in done.out and "120 x 10^6 cells" in done.out
    assert "IL-2 group: " in done.out and "1,000,000 IU, subcutaneous, every other day" in done.out


# --- formats


def test_resources_are_a_file_each_named_by_type_and_id(desk: Desk) -> None:
    desk.assign("--format", "resources")
    for name, (content, _) in desk.files().items():
        one = json.loads(content)
        assert name == f"{one['resourceType']}/{one['id']}.json"


def test_ndjson_is_a_file_a_type_with_a_resource_a_line_in_the_order_of_ids(desk: Desk) -> None:
    desk.lay(TWO, csv(SECOND, row()))
    desk.assign("--format", "ndjson")
    assert set(desk.files()) == {f"{type_}.ndjson" for type_ in STUDY | PERSONAL | {"List"}}
    for name, (content, _) in desk.files().items():
        lines = [json.loads(line) for line in content.splitlines()]
        assert {one["resourceType"] for one in lines} == {Path(name).stem}
        assert [one["id"] for one in lines] == sorted(one["id"] for one in lines)


def test_a_bundle_is_a_transaction_a_patient_and_one_for_the_study_and_one_for_the_list(desk: Desk) -> None:
    desk.lay(TWO, csv(row(), SECOND))
    desk.assign("--format", "bundle")
    found = {Path(name).stem: json.loads(content) for name, (content, _) in desk.files().items()}
    assert len(found) == 4 and {"study", "candidates"} <= set(found)
    for name, one in found.items():
        assert (one["resourceType"], one["type"]) == ("Bundle", "transaction")
        types = {entry["resource"]["resourceType"] for entry in one["entry"]}
        assert types == {"study": STUDY, "candidates": {"List"}}.get(name, PERSONAL)
        for entry in one["entry"]:
            key = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
            assert entry["request"] == {"method": "PUT", "url": key}
            assert entry["fullUrl"].endswith(f"/{key}")


def test_a_bundle_asks_for_the_version_that_the_folder_holds(desk: Desk) -> None:
    desk.assign("--format", "bundle")
    desk.edit("CarePlan", lambda one: one["meta"].update(versionId="7", lastUpdated="2026-11-22T03:00:00Z"))
    desk.lay(signed=signatures(msc_infusions=2))
    assert desk.assign("--format", "bundle").code == 0
    (patient,) = [json.loads(c) for n, (c, _) in desk.files().items() if n not in ("study.json", "candidates.json")]
    asked = {entry["request"]["url"].partition("/")[0]: entry["request"].get("ifMatch") for entry in patient["entry"]}
    assert asked["CarePlan"] == 'W/"7"'
    assert asked["ResearchSubject"] is None


def test_standard_output_has_the_study_first_and_the_list_last(desk: Desk) -> None:
    desk.lay(TWO, csv(row(), SECOND))
    asked = ("--readings", desk.folder / "signed.yaml", "--complete", "all", "--as-of", DAY)
    call = ("assign", desk.folder / "source.json", "--assignments", desk.folder / "lines.csv", *asked)
    array, lines, bundles = (desk.call(*call, "--format", form) for form in ("resources", "ndjson", "bundle"))
    assert {done.code for done in (array, lines, bundles)} == {0} and array.err == lines.err == bundles.err == ""
    resources = json.loads(array.out)
    assert resources == [json.loads(line) for line in lines.out.splitlines()]
    assert resources == [entry["resource"] for one in json.loads(bundles.out) for entry in one["entry"]]
    types = [one["resourceType"] for one in resources]
    last_of_study = max(n for n, type_ in enumerate(types) if type_ in STUDY)
    first_of_patient = min(n for n, type_ in enumerate(types) if type_ in PERSONAL)
    assert last_of_study < first_of_patient and types[-1] == "List"
    assert not desk.out.exists()


# --- what is refused

COLUMNS = "study,patient,arm,assigned_at,allocation_id,recorded_by"
WEIGHT_ID = "w1"
SENTENCES = {
    "wrong columns": (
        {"lines": csv(row()).replace("assigned_at", "date")},
        f"lines.csv:1: no column is called 'date'; missing: assigned_at; the columns are {COLUMNS} (wrong-columns)",
    ),
    "an arm in another case": (
        {"lines": csv(row(arm="msc"))},
        "lines.csv:2: Patient/p1: no arm is called 'msc'; write 'MSC', spelled exactly; the arms are MSC, MSCs group, "
        "IL-2, IL-2 group (unknown-arm)",
    ),
    "a weight without a unit": (
        {"records": person(weight=[also(weight(id=WEIGHT_ID), valueQuantity={"value": 60})])},
        "lines.csv:2: Patient/p1: Observation/w1 valueQuantity: the unit is missing or unknown; it must be kg, g or "
        "[lb_av] (weight-unit)",
    ),
    "a reading without signature": (
        {"signed": signatures(["msc-infusions"])},
        "lines.csv:2: Patient/p1: the reading msc-infusions is not signed: How many infusions does a patient of the "
        "MSCs group receive? Decide, and put name and date to it (--readings FILE) (reading-unsigned)",
    ),
    "a day to come": (
        {"lines": csv(row(assigned_at="2026-11-23T09:30:00+08:00"))},
        "lines.csv:2: Patient/p1: assigned_at 2026-11-23T09:30:00+08:00 lies after 2026-11-22; correct the date "
        "(future-date)",
    ),
    "another study": (
        {"lines": csv(row(study="sle-1"))},
        "lines.csv:2: Patient/p1: assigned in the study 'sle-1'; this trial is ln-msc-il2 (other-study)",
    ),
    "a patient who is not there": (
        {"lines": csv(row(patient="p9"))},
        "lines.csv:2: Patient/p9: no such patient in the input; correct the id, or give the records that hold the "
        "patient (unknown-patient)",
    ),
    "an ineligible patient": (
        {"records": person(more=[RITUXIMAB])},
        "lines.csv:2: Patient/p1: exc-b-cell-depletion is yes (within-window) on the day of the assignment "
        "(not-eligible)",
    ),
    "an old weight": (
        {"records": person(weight=[weight(on=ago(29), id=WEIGHT_ID)])},
        "lines.csv:2: Patient/p1: Observation/w1: the latest measured weight is older than 28 days (weight-stale)",
    ),
    "a file that is not UTF-8": (
        {"lines": csv(row(recorded_by="李")).encode("gb18030")},
        "lines.csv: not UTF-8 text; save it as UTF-8 (wrong-file)",
    ),
    "an empty file": (
        {"lines": ""},
        f"lines.csv:1: missing: {COLUMNS.replace(',', ', ')}; the columns are {COLUMNS} (wrong-columns)",
    ),
    "a file of columns only": (
        {"lines": f"{COLUMNS}\n"},
        "lines.csv: no assignment in the file; add a row a patient (empty-file)",
    ),
    "a time without a zone": (
        {"lines": csv(row(assigned_at="2026-11-22T09:30:00"))},
        "lines.csv:2: Patient/p1: assigned_at '2026-11-22T09:30:00' is no date and time with a zone; write "
        "2026-11-22T09:30:00+08:00 (wrong-value)",
    ),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_a_refusal_is_one_exact_sentence_and_nothing_is_written(desk: Desk, name: str) -> None:
    files, sentence = SENTENCES[name]
    desk.lay(**files)
    for more in ((), ("--dry-run",), ("--format", "bundle")):
        done = desk.assign(*more)
        assert (done.code, done.out) == (1, "")
        assert done.err.splitlines() == [f"refused: {sentence}", "nothing was written: 1 refusal"]
        assert not desk.out.exists()


def test_every_refusal_of_every_line_is_told_at_once_and_the_right_line_is_not_written_either(desk: Desk) -> None:
    records = [*TWO, *named(person(inc_consent=[], weight=[weight(on=ago(40))]), "p3")]
    lines = csv(row(), row(patient="p2", arm="il-2", allocation_id="A-002"), row(patient="p3", allocation_id="A-003"))
    desk.lay(records, f"{lines}ln-msc-il2,p4,MSC,today,A-004,dr\n")
    done = desk.assign()
    told = done.err.splitlines()
    assert (done.code, done.out, told[-1]) == (1, "", "nothing was written: 5 refusals")
    assert [re.search(r"lines.csv:(\d): .*\((.*)\)$", line).groups() for line in told[:-1]] == [  # type: ignore[union-attr]
        ("3", "unknown-arm"),
        ("4", "no-consent"),
        ("4", "not-eligible"),
        ("4", "weight-stale"),
        ("5", "wrong-value"),
    ]
    assert not desk.out.exists()


def test_a_refusal_leaves_what_was_written_before_as_it_is(desk: Desk) -> None:
    assert desk.assign().code == 0
    before = desk.files()
    desk.lay(TWO, csv(row(), row(patient="p2", arm="IL-3", allocation_id="A-002")))
    assert desk.assign().code == 1
    assert desk.files() == before


def test_what_the_randomiser_wrote_cannot_steer_the_terminal(desk: Desk) -> None:
    desk.lay(lines=csv(row(arm="MSC\x1b[2J"), row(patient="p\u202e1", allocation_id="A-002")))
    done = desk.assign()
    assert done.code == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", done.err)


SAME = {
    "a byte order mark and lines as in Windows": b"\xef\xbb\xbf" + csv(row(), SECOND, newline="\r\n").encode(),
    "quotes": re.sub(r"[^,\n]+", lambda m: f'"{m.group()}"', csv(row(), SECOND)),
    "the other way round": csv(SECOND, row()),
    "references": csv(row(patient="Patient/p1"), {**SECOND, "patient": "Patient/p2"}),
    "a JSON array": json.dumps([row(), SECOND]),
}


@pytest.mark.parametrize("lines", SAME.values(), ids=SAME)
def test_the_file_may_be_written_in_several_ways(desk: Desk, lines: str | bytes) -> None:
    desk.lay(TWO, csv(row(), SECOND))
    assert desk.assign().code == 0
    before = desk.files()
    desk.lay(TWO, lines)
    assert desk.assign().code == 0 and desk.files() == before
    other = desk.folder / "other"
    assert desk.assign(out=other).code == 0
    assert {p.relative_to(other).as_posix(): p.read_bytes() for p in other.rglob("*.json")} == {
        name: content for name, (content, _) in before.items()
    }


def test_a_json_object_is_one_assignment(desk: Desk) -> None:
    desk.lay(lines=json.dumps(row()))
    assert desk.assign().code == 0 and len(desk.held("CarePlan")) == 1


# --- wrong calls


def test_help_shows_a_full_example_that_works(desk: Desk) -> None:
    told = desk.call("assign", "--help").out
    example = [line.strip() for line in told.splitlines() if line.strip().startswith(("study,", "ln-msc-il2,"))]
    (desk.folder / "example.csv").write_text("\n".join(example), encoding="utf-8")
    (found,), refused = read_assignments(desk.folder / "example.csv")
    assert refused == () and found.arm == "MSC"
    command = shlex.split(told[told.index("trial-adapter assign export/") :].split("\n\n")[0])
    assert {"--assignments", "--complete", "--readings", "--first-dose", "--out"} <= set(command)
    assert set(re.findall(r"--[a-z-]+", " ".join(command))) <= set(re.findall(r"--[a-z-]+", told.split("Options:")[1]))


WRONG_CALLS = {
    "nothing to do": (("--out", "x"), False, "nothing to do: give --assignments FILE, or --screening-status"),
    "a first dose for two": (("--first-dose", "2026-11-30"), True, "--first-dose is for one assignment"),
    "an order": (("--intent", "order"), True, "No such option"),
    "a format that is not offered": (("--format", "xml"), True, "is not one of"),
    "a file of readings that is not there": (("--readings", "absent.yaml"), True, "absent.yaml"),
    "an anchor that the assignment gives": (("--randomisation-date", "2026-11-22"), True, "No such option"),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_a_wrong_call_is_told_with_exit_code_2(desk: Desk, name: str) -> None:
    more, lines, says = WRONG_CALLS[name]
    desk.lay(TWO, csv(row(), SECOND))
    done = desk.assign(*more, lines=lines)
    assert done.code == 2 and says in done.err and done.out == ""
    assert not desk.out.exists()


def test_a_file_of_assignments_that_is_not_there_is_a_wrong_call(desk: Desk) -> None:
    done = desk.assign("--assignments", desk.folder / "absent.csv")
    assert done.code == 2 and "absent.csv cannot be read" in done.err and not desk.out.exists()


JUNK = {
    "another program's JSON": ("settings.json", b'{"a": 1}'),
    "no JSON": ("notes.json", b"hello"),
    "an array": ("many.json", b"[]"),
    "a resource without an id": ("p.json", b'{"resourceType": "Patient"}'),
    "a half line": ("CarePlan.ndjson", b'{"resourceType": "CarePlan", "id": "a"}\n{"resourceType"'),
    "depth without end": ("deep.json", b"[" * 100000),
}


@pytest.mark.parametrize("name", JUNK)
def test_a_folder_of_something_else_is_a_wrong_call_and_stays_as_it_is(desk: Desk, name: str) -> None:
    file, content = JUNK[name]
    (desk.out / "sub").mkdir(parents=True)
    (desk.out / "sub" / file).write_bytes(content)
    before = desk.files()
    done = desk.assign()
    assert done.code == 2 and done.out == "" and done.err.count("\n") == 1
    assert file in done.err and "--out must be a folder of this program's own" in done.err
    assert desk.files() == before


def test_what_is_no_json_in_the_folder_is_left_alone(desk: Desk) -> None:
    desk.out.mkdir()
    (desk.out / "README.txt").write_text("ours", encoding="utf-8")
    assert desk.assign().code == 0
    assert (desk.out / "README.txt").read_text(encoding="utf-8") == "ours"


# --- twice, and a look before


@pytest.mark.parametrize("form", FORMS)
def test_running_twice_writes_no_file(desk: Desk, form: str) -> None:
    desk.lay(TWO, csv(row(), SECOND))
    assert desk.assign("--format", form).code == 0
    before = desk.files()
    done = desk.assign("--format", form)
    assert (done.code, done.err) == (0, "") and desk.files() == before
    assert done.out.splitlines()[-1] == f"{desk.out}: 21 the same; 0 files written"
    assert desk.assign("--format", form, "--dry-run").out == ""


@pytest.mark.parametrize("form", FORMS)
def test_a_dry_run_shows_a_diff_and_writes_nothing(desk: Desk, form: str) -> None:
    fresh = desk.assign("--format", form, "--dry-run")
    assert (fresh.code, fresh.err, desk.out.exists()) == (0, "", False)
    assert fresh.out.count("\n--- nothing\n") == 14 and fresh.out.startswith("--- nothing\n+++ ")
    assert not re.search(r"^-[^-]", fresh.out, re.MULTILINE), "nothing is there to go"
    desk.assign("--format", form)
    before = desk.files()
    desk.lay(person(weight=[weight("66", on=ago(1))]))
    changed = desk.assign("--format", form, "--dry-run")
    assert (changed.code, desk.files()) == (0, before)
    plan, request = (f"{type_}/{desk.held(type_)[0]['id']}" for type_ in ("CarePlan", "MedicationRequest"))
    assert f"--- {plan}\n+++ {plan}\n" in changed.out and f"--- {request}\n+++ {request}\n" in changed.out
    assert re.search(r'^-\s+"value": 120,$', changed.out, re.MULTILINE)
    assert re.search(r'^\+\s+"value": 132,$', changed.out, re.MULTILINE)
    assert "Questionnaire" not in changed.out


# --- what a person changed


def started(one: dict[str, Any]) -> None:
    one["status"] = "active"
    one["note"] = [{"text": "first visit on Monday"}]


def on_study(one: dict[str, Any]) -> None:
    one["status"] = "on-study"


EDITS = {"CarePlan": started, "MedicationRequest": started, "ResearchSubject": on_study}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("type_", EDITS)
def test_what_a_person_changed_is_kept_and_told(desk: Desk, type_: str, form: str) -> None:
    assert desk.assign("--format", form).code == 0
    desk.edit(type_, EDITS[type_])
    (edited,) = desk.held(type_)
    desk.lay([*person(weight=[weight("66", on=ago(1))]), *named(person(), "p2")], csv(row(), SECOND))
    done = desk.assign("--format", form)
    assert done.code == 0
    told = f"note: {type_}/{edited['id']} was edited after it was written and stays as it is"
    assert done.err.splitlines() == [told]
    assert edited in desk.held(type_)
    others = [one for name in PERSONAL - {type_} for one in desk.held(name)]
    assert len(desk.held("CarePlan")) == 2 and others


def test_a_changed_dose_is_written_as_long_as_nobody_edited_it(desk: Desk) -> None:
    desk.assign()
    desk.lay(person(weight=[weight("66", on=ago(1))]))
    done = desk.assign()
    assert (done.code, done.err) == (0, "")
    (request,) = desk.held("MedicationRequest")
    assert request["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] == 132


def test_what_a_server_adds_is_no_edit(desk: Desk) -> None:
    desk.assign()
    for type_ in PERSONAL:
        desk.edit(type_, lambda one: one["meta"].update(versionId="3", lastUpdated="2026-11-22T03:00:00Z", source="#x"))
    before = desk.files()
    done = desk.assign()
    assert (done.code, done.err) == (0, "") and desk.files() == before


# --- before the assignment: the status of a screening


def status(desk: Desk) -> list[str]:
    return sorted(one["status"] for one in desk.held("ResearchSubject"))


def test_a_screening_writes_its_status_and_what_is_missing(desk: Desk) -> None:
    open_ = named(person(inc_contraception=[]), "p2")
    desk.lay([*person(), *open_, *named(person(more=[RITUXIMAB]), "p3")])
    done = desk.assign("--screening-status", lines=False)
    assert (done.code, done.err) == (0, "")
    assert status(desk) == ["eligible", "ineligible", "screening"]
    missing = {one["subject"]["reference"]: one for one in desk.held("GuidanceResponse")}
    assert {who: one["status"] for who, one in missing.items()} == {
        "Patient/p1": "success",
        "Patient/p2": "data-required",
        "Patient/p3": "success",
    }
    assert [one["id"] for one in missing["Patient/p2"]["dataRequirement"]] == ["inc-contraception"]
    assert not desk.held("CarePlan") and not desk.held("MedicationRequest")


@pytest.mark.parametrize("before", ["screening", "eligible", "ineligible", "candidate", "potential-candidate"])
def test_an_assignment_replaces_the_status_of_a_screening_whoever_set_it(desk: Desk, before: str) -> None:
    desk.assign("--screening-status", lines=False)
    desk.edit("ResearchSubject", lambda one: one.update(status=before))
    done = desk.assign()
    assert (done.code, done.err) == (0, "")
    (enrolled,) = desk.held("ResearchSubject")
    assert (enrolled["status"], enrolled["assignedArm"]) == ("pending-on-study", "MSCs group")


@pytest.mark.parametrize("records", [person(), person(inc_contraception=[]), person(more=[RITUXIMAB])])
@pytest.mark.parametrize("lines", [True, False], ids=["in the file again", "no longer in the file"])
def test_pending_on_study_never_goes_back_to_a_screening(desk: Desk, records: list[Json], lines: bool) -> None:
    desk.assign()
    desk.lay(records)
    desk.assign("--screening-status", lines=lines)
    assert status(desk) == ["pending-on-study"]


@pytest.mark.parametrize("set_by_a_person", ["on-study", "follow-up", "off-study", "withdrawn"])
def test_nor_does_what_a_person_set_afterwards(desk: Desk, set_by_a_person: str) -> None:
    desk.assign()
    desk.edit("ResearchSubject", lambda one: one.update(status=set_by_a_person))
    desk.assign("--screening-status", lines=False)
    assert status(desk) == [set_by_a_person]


def test_whom_a_person_keeps_under_an_id_of_his_own_gets_no_second_subject(desk: Desk) -> None:
    desk.lay([*person(more=[subject("on-study", id="theirs")]), *named(person(), "p2")])
    assert desk.assign("--screening-status", lines=False).code == 0
    assert [one["individual"]["reference"] for one in desk.held("ResearchSubject")] == ["Patient/p2"]


def test_what_a_person_added_to_a_screened_subject_stays_when_she_is_assigned(desk: Desk) -> None:
    desk.assign("--screening-status", lines=False)
    number = {"system": "https://hospital.example/screening-log", "value": "S-17"}
    visit = {"url": "https://hospital.example/visit", "valueString": "second"}

    def add(one: dict[str, Any]) -> None:
        one["identifier"].append(number)
        one["extension"].append(visit)

    desk.edit("ResearchSubject", add)
    for _ in range(2):
        assert desk.assign().code == 0
        (enrolled,) = desk.held("ResearchSubject")
        assert enrolled["status"] == "pending-on-study"
        assert number in enrolled["identifier"] and visit in enrolled["extension"]
    assert desk.assign().out.endswith("0 files written\n")


# --- the List of candidates


def entries(desk: Desk) -> dict[str, tuple[str, bool]]:
    """Patient -> the day of the entry, and whether it is flagged."""
    who = {f"ResearchSubject/{one['id']}": one["individual"]["reference"] for one in desk.held("ResearchSubject")}
    (found,) = desk.held("List")
    return {who[e["item"]["reference"]]: (e["date"], "flag" in e) for e in found["entry"]}


def test_the_list_keeps_the_first_day_and_flags_who_drops_out_and_deletes_nobody(desk: Desk) -> None:
    desk.lay(TWO)
    desk.assign("--screening-status", lines=False)
    first = DAY.isoformat()
    assert entries(desk) == {"Patient/p1": (first, False), "Patient/p2": (first, False)}
    desk.lay([*person(more=[RITUXIMAB]), *named(person(), "p2"), *named(person(), "p3")])
    desk.assign("--screening-status", lines=False, day=ahead(1))
    expected = {"Patient/p1": (first, True), "Patient/p2": (first, False), "Patient/p3": (ahead(1), False)}
    assert entries(desk) == expected
    desk.lay(named(person(), "p3"))  # the others are not in the source
    desk.assign("--screening-status", lines=False, day=ahead(2))
    assert entries(desk) == expected
    desk.lay(TWO)
    desk.assign("--screening-status", lines=False, day=ahead(3))
    assert entries(desk)["Patient/p1"] == (first, False), "who fits again is flagged no more"


@pytest.mark.parametrize("how", ["a person closes the subject", "the consent is withdrawn"])
def test_the_list_flags_who_has_left_after_the_assignment(desk: Desk, how: str) -> None:
    desk.assign()
    if how.startswith("a person"):
        desk.edit("ResearchSubject", lambda one: one.update(status="withdrawn"))
    else:
        desk.lay(person(more=[WITHDRAWN]))
    assert desk.assign(day=ahead(14)).code == 1
    assert entries(desk) == {"Patient/p1": (DAY.isoformat(), True)}


def test_who_never_fitted_is_not_listed(desk: Desk) -> None:
    desk.lay([*person(more=[RITUXIMAB]), *named(person(), "p2")])
    desk.assign("--screening-status", lines=False)
    assert set(entries(desk)) == {"Patient/p2"}


def test_an_assignment_keeps_the_day_on_which_the_patient_was_listed(desk: Desk) -> None:
    desk.lay(person(weight=[weight(on=ago(10))]))
    desk.assign("--screening-status", lines=False, day=ago(3))
    assert entries(desk) == {"Patient/p1": (ago(3), False)}
    assert desk.assign().code == 0
    assert entries(desk) == {"Patient/p1": (ago(3), False)}
    (found,) = desk.held("List")
    assert (found["mode"], found["status"]) == ("working", "current")
    assert found["code"]["coding"][0] == {
        "system": "https://fhir.miracum.org/uc1/CodeSystem/screeningList",
        "code": "screening-recommendations",
    }


# --- later runs with other arguments


def test_dates_that_were_set_stay_in_a_run_that_names_none(desk: Desk) -> None:
    desk.lay(lines=csv(row(arm="IL-2")))
    desk.assign("--first-dose", "2026-11-30")
    before = desk.files()
    assert desk.assign().code == 0 and desk.files() == before


def test_a_course_that_is_planned_no_more_is_cancelled_and_comes_back(desk: Desk) -> None:
    def states() -> list[str]:
        return sorted(one["status"] for one in desk.held("MedicationRequest"))

    desk.lay(lines=csv(row(arm="IL-2")))
    desk.assign("--first-dose", "2026-11-30")
    before = desk.files()
    for courses, expected in [(1, ["cancelled", "cancelled", "draft"]), (3, ["draft"] * 3)]:
        desk.lay(lines=csv(row(arm="IL-2")), signed=signatures(il2_courses=courses))
        for _ in range(2):
            assert desk.assign().code == 0
            assert states() == expected
        assert desk.assign().out.endswith("0 files written\n")
    assert {name: content for name, (content, _) in desk.files().items() if "Provenance" not in name} == {
        name: content for name, (content, _) in before.items() if "Provenance" not in name
    }


def test_a_request_that_a_person_edited_is_not_cancelled(desk: Desk) -> None:
    desk.lay(lines=csv(row(arm="IL-2")))
    desk.assign()
    desk.edit("MedicationRequest", lambda one: one.update(status="active"))
    desk.lay(lines=csv(row(arm="IL-2")), signed=signatures(il2_courses=1))
    assert desk.assign().code == 0
    assert [one["status"] for one in desk.held("MedicationRequest")] == ["active"] * 3


# --- what happens after the assignment

SINCE = {
    "the consent is withdrawn": (WITHDRAWN, "the research Consent is no longer in force (later-consent)"),
    "a pregnancy": (POSITIVE, "exc-pregnant-or-lactating is yes"),
    "a new exclusion": (administration(code("atc", "L01FA01"), ahead(5)), "exc-b-cell-depletion is yes"),
}


@pytest.mark.parametrize("name", SINCE)
@pytest.mark.parametrize("in_file", [True, False], ids=["in the file again", "no longer in the file"])
def test_what_has_happened_since_is_told_first_and_nothing_more_is_written_for_her(
    desk: Desk, name: str, in_file: bool
) -> None:
    event, says = SINCE[name]
    desk.assign()
    before = desk.files()
    desk.lay(
        [*person(more=[event]), *named(person(), "p2")],
        csv(*([row()] if in_file else []), SECOND),
        signatures(msc_infusions=2),
    )
    done = desk.assign(day=ahead(14))
    assert done.code == 1
    assert done.err.startswith("blocked: ") and done.err.count("\n") == 1
    assert "Patient/p1: since the assignment" in done.err and says in done.err
    after = desk.files()
    unchanged = {name for name in before if not name.startswith("List/")}
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}
    assert {one["subject"]["reference"] for one in desk.held("CarePlan")} == {"Patient/p1", "Patient/p2"}
    assert "Patient/p1," not in done.out and "Patient/p2, allocation A-002" in done.out


def test_what_has_happened_since_is_told_before_the_refusals_and_again_in_every_run(desk: Desk) -> None:
    desk.assign()
    desk.lay(
        [*person(more=[WITHDRAWN]), *named(person(weight=[]), "p2")],
        csv(row(), row(patient="p2", allocation_id="A-002")),
    )
    for day in (ahead(14), ahead(15), ahead(15)):
        done = desk.assign(day=day)
        starts = [line.partition(" ")[0] for line in done.err.splitlines()]
        assert (done.code, starts) == (1, ["blocked:", "refused:", "nothing"])


def test_a_later_run_without_the_event_goes_on(desk: Desk) -> None:
    desk.assign()
    before = desk.files()
    done = desk.assign(day=ahead(60))
    assert (done.code, done.err) == (0, "") and desk.files() == before


def test_the_other_arm_in_the_folder_is_refused(desk: Desk) -> None:
    desk.assign()
    before = desk.files()
    desk.lay(lines=csv(row(arm="IL-2", allocation_id="A-002")))
    done = desk.assign()
    assert (done.code, done.out) == (1, "") and "already names the arm MSCs group (other-arm)" in done.err
    assert desk.files() == before


def test_the_other_arm_in_the_source_is_refused(desk: Desk) -> None:
    desk.lay(person(more=[subject("on-study", "IL-2 group")]))
    done = desk.assign()
    assert (done.code, done.out, desk.out.exists()) == (1, "", False)
    assert "ResearchSubject/s1 already names the arm IL-2 group (other-arm)" in done.err


# --- a sink that breaks


def breaking(monkeypatch: pytest.MonkeyPatch, after: int, error: BaseException) -> None:
    """The disk takes so many files, then fails."""
    count = iter(range(10**6))
    real = os.fsync

    def fsync(handle: int) -> None:
        if next(count) >= after:
            raise error
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_full_disk_loses_nothing_and_leaves_no_half_file(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, form: str, after: int
) -> None:
    assert desk.assign("--format", form).code == 0
    before = desk.files()
    desk.lay([*person(weight=[weight("66", on=ago(1))]), *named(person(), "p2")], csv(row(), SECOND))
    with monkeypatch.context() as full:
        breaking(full, after, FULL)
        done = desk.assign("--format", form)
    assert done.code == 3 and "No space left on device" in done.err and done.err.count("\n") == 1
    assert desk.files() == before
    assert desk.assign("--format", form).code == 0, "with space again it goes on"
    assert len(desk.held("CarePlan")) == 2


@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_at_the_first_run_leaves_no_file(desk: Desk, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    breaking(monkeypatch, 2, FULL)
    assert desk.assign("--format", form).code == 3
    assert desk.files() == {}


def test_a_run_that_is_stopped_leaves_no_half_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    breaking(monkeypatch, 4, KeyboardInterrupt())
    assert desk.assign().code == 130
    assert desk.files() == {}


def test_a_rename_that_fails_leaves_only_whole_files_and_the_next_run_completes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, count = Path.replace, iter(range(10**6))

    def replace(self: Path, target: Path) -> Path:
        if next(count) >= 5:
            raise PermissionError(errno.EACCES, "Permission denied", str(target))
        return real(self, target)

    with monkeypatch.context() as locked:
        locked.setattr(Path, "replace", replace)
        done = desk.assign()
    assert done.code == 3 and "Permission denied" in done.err
    names = set(desk.files())
    assert len(names) == 5 and not any(".part" in name for name in names)
    for content, _ in desk.files().values():
        json.loads(content)
    assert desk.assign().code == 0 and len(desk.files()) == 15


def test_a_folder_without_permission_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def closed(self: Path, mode: str = "r", *more: Any, **how: Any) -> Any:
        if "x" in mode or "w" in mode:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return real(self, mode, *more, **how)

    monkeypatch.setattr(Path, "open", closed)
    done = desk.assign()
    assert (done.code, done.out) == (3, "") and "cannot be written: Permission denied" in done.err
    assert desk.files() == {}


def test_a_file_in_place_of_the_folder_is_told_and_stays(desk: Desk) -> None:
    desk.out.write_text("mine", encoding="utf-8")
    done = desk.assign()
    assert (done.code, done.out) == (3, "") and "cannot be written" in done.err
    assert desk.out.read_text(encoding="utf-8") == "mine"
    assert {path.name for path in desk.folder.iterdir()} == {"out", "source.json", "lines.csv", "signed.yaml"}


# --- the site's configuration


def test_the_site_sets_the_zone_and_signs_the_readings(desk: Desk) -> None:
    config = desk.folder / "site.toml"
    config.write_text('time-zone = "America/New_York"\nreadings = "signed.yaml"\n', encoding="utf-8")
    desk.lay(lines=csv(row(assigned_at="2026-11-23T04:59:59Z")))
    call = ("assign", desk.folder / "source.json", "--assignments", desk.folder / "lines.csv", "--complete", "all")
    done = desk.call(*call, "--as-of", DAY, "--config", config, "--out", desk.out)
    assert (done.code, done.err) == (0, "")
    (enrolled,) = desk.held("ResearchSubject")
    assert enrolled["period"]["start"] == DAY.isoformat()
    (plan,) = desk.held("CarePlan")
    assert plan["created"] == "2026-11-23T04:59:59+00:00"


def test_a_record_that_cannot_be_read_is_told_and_ends_with_exit_code_1(desk: Desk) -> None:
    desk.lay(person(more=[weight(on="2026-02-30")]), csv(row(arm="IL-2")))
    done = desk.assign("--issues", desk.folder / "issues.ndjson")
    assert done.code == 1 and "records of 1 patients could not be used" in done.err
    (issue,) = [json.loads(line) for line in (desk.folder / "issues.ndjson").read_text(encoding="utf-8").splitlines()]
    assert issue["severity"] == "error" and issue["path"] == "effectiveDateTime"


def test_a_draft_that_is_written_anew_is_told(desk: Desk) -> None:
    desk.assign()
    done = desk.assign("--first-dose", "2026-11-30")
    told = [line for line in done.out.splitlines() if line.endswith("compare it before it is ordered")]
    assert [line.partition("/")[0] for line in told] == ["CarePlan", "MedicationRequest"]


def test_an_assignment_is_not_moved_to_another_day(desk: Desk) -> None:
    desk.assign()
    desk.lay(lines=csv(row(assigned_at="2026-11-20T08:00:00+08:00")))
    before = {path: path.read_bytes() for path in desk.out.rglob("*.json")}
    done = desk.assign()
    assert done.code == 1 and "(other-day)" in done.err
    assert before == {path: path.read_bytes() for path in desk.out.rglob("*.json")}


def test_a_consent_that_is_gone_is_told_of_who_was_assigned_before(desk: Desk) -> None:
    """Withdrawn in place, so that the record no longer shows that it ever was in force."""
    desk.assign()
    desk.lay([one for one in person() if one["resourceType"] != "Consent"])
    done = desk.call(
        "assign", desk.folder / "source.json", "--screening-status", "--as-of", "2026-12-01", "--complete", "all",
        "--out", desk.out,
    )  # fmt: skip
    assert done.code == 1 and done.err.startswith("blocked: assigned before: Patient/p1: since the assignment")


def test_a_subject_that_cannot_be_read_may_stand_against_it(desk: Desk) -> None:
    broken = {
        "resourceType": "ResearchSubject", "id": "rs1", "status": "on-study", "assignedArm": 7,
        "study": {"reference": "ResearchStudy/ln-msc-il2"}, "individual": {"reference": "Patient/p1"},
    }  # fmt: skip
    desk.lay([*person(), broken])
    done = desk.assign()
    assert done.code == 1 and "(unreadable-record)" in done.err and not desk.out.exists()


def test_a_weight_without_a_date_may_be_the_latest(desk: Desk) -> None:
    undated = {
        "resourceType": "Observation", "id": "w2", "status": "final", "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "valueQuantity": {"value": 80, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }  # fmt: skip
    desk.lay([*person(), undated])
    done = desk.assign()
    assert done.code == 1 and "(weight-undated)" in done.err and not desk.out.exists()
