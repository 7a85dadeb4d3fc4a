"""The commands as a person calls them: exit codes, wrong calls, sinks, order, and nothing of a patient on stderr."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from adapter.config import Config, load_config
from adapter.errors import UsageError
from tests.builders import as_json, bundle, code, condition, consent, loinc, observation, patient, request
from tests.commands import Call, caller

ROOT = Path(__file__).parent.parent
COHORT = ROOT / "examples" / "cohort"
SCHEMA = Draft202012Validator(json.loads((ROOT / "profiles/screening.schema.json").read_text(encoding="utf-8")))
AS_OF = ("--as-of", "2026-11-22")
UPCR = loinc("2890-2")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Call:
    return caller(monkeypatch, capsysbinary)


def written(path: Path, *resources: Any) -> Path:
    path.write_bytes(as_json(bundle(*resources)))
    return path


def screenings(text: str) -> list[dict[str, Any]]:
    """The screenings of a JSON or NDJSON output, each of them valid."""
    found = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    for one in found:
        assert [error.message for error in SCHEMA.iter_errors(one)] == []
    return found


def program(*arguments: object, **kept: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "adapter", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, **kept)


# --- what comes out


def test_json_is_one_array_and_ndjson_an_object_a_line_with_the_same_screenings(call: Call) -> None:
    array = call("screen", COHORT, *AS_OF, "--complete", "all", "--format", "json")
    lines = call("screen", COHORT, *AS_OF, "--complete", "all", "--format", "ndjson")
    assert array.code == lines.code == 0
    assert screenings(array.out) == screenings(lines.out)
    assert len(lines.out.splitlines()) == 12


def test_patients_come_in_the_order_of_their_ids_whatever_the_order_of_the_files(tmp_path: Path, call: Call) -> None:
    for n, id_ in enumerate(["p9", "p10", "p2", "p1"]):
        written(
            tmp_path / f"{n}.json", patient(id=id_), observation(UPCR, "1.4", "g/g", "2026-11-01", of=f"Patient/{id_}")
        )
    done = call("screen", tmp_path, *AS_OF, "--format", "ndjson")
    assert [one["patient"] for one in screenings(done.out)] == ["Patient/p1", "Patient/p10", "Patient/p2", "Patient/p9"]


def test_two_runs_and_shuffled_records_give_the_same_bytes(tmp_path: Path, call: Call) -> None:
    records = [line for path in COHORT.glob("*.json") for line in resources_of(path)]
    outputs = set()
    for seed in (0, 0, 1, 2):
        random.Random(seed).shuffle(records)
        (tmp_path / "mixed.ndjson").write_text("\n".join(records), encoding="utf-8")
        outputs.add(call("screen", tmp_path, *AS_OF, "--complete", "all", "--format", "json").out)
    assert len(outputs) == 1


def resources_of(path: Path) -> list[str]:
    document = json.loads(path.read_text(encoding="utf-8"))
    if document["resourceType"] != "Bundle":
        return [json.dumps(document)]
    renamed = json.dumps(document)
    for entry in document["entry"]:  # a resource that is only known by its fullUrl gets an id
        full = entry.get("fullUrl", "")
        if full.startswith("urn:uuid:"):
            entry["resource"].setdefault("id", full.removeprefix("urn:uuid:"))
            renamed = renamed.replace(full, f"{entry['resource']['resourceType']}/{entry['resource']['id']}")
    kept = {json.dumps(e["resource"].get("id")): e["resource"].get("id") for e in document["entry"]}
    entries = json.loads(renamed)["entry"]
    for entry, old in zip(entries, document["entry"], strict=True):
        if old["resource"].get("id") in kept.values():
            entry["resource"]["id"] = old["resource"]["id"]
    return [json.dumps(entry["resource"]) for entry in entries]


def test_the_anchors_that_are_given_are_used_and_the_others_assumed(tmp_path: Path, call: Call) -> None:
    source = written(tmp_path / "p.json", patient())
    done = call("screen", source, *AS_OF, "--screening-date", "2026-11-01", "--format", "ndjson")
    (one,) = screenings(done.out)
    assert one["anchors"]["screening"] == {"date": "2026-11-01", "assumed": False}
    assert one["anchors"]["randomisation"] == {"date": "2026-11-22", "assumed": True}


def test_standard_input_is_a_source() -> None:
    done = program("screen", "-", *AS_OF, "--format", "ndjson", input=as_json(bundle(patient(id="piped"))))
    assert [one["patient"] for one in screenings(done.stdout.decode())] == ["Patient/piped"]


def test_without_a_day_it_is_today_at_the_site_and_the_text_says_so(tmp_path: Path, call: Call) -> None:
    source = written(tmp_path / "p.json", patient())
    (one,) = screenings(call("screen", source, "--format", "ndjson").out)
    assert f"as of {one['as_of']}" in call("screen", source).out


# --- coverage


def test_declared_types_are_covered_and_only_those(tmp_path: Path, call: Call) -> None:
    source = written(tmp_path / "p.json", patient())
    done = call("screen", source, *AS_OF, "--complete", "Condition, Procedure", "--format", "ndjson")
    (one,) = screenings(done.out)
    found = {c["id"]: (c["truth"], c["reason"]) for c in one["criteria"]}
    assert found["exc-malignancy"][0] == found["exc-apheresis"][0] == "no"
    assert found["exc-b-cell-depletion"] == ("unknown", "not-covered")


@pytest.mark.parametrize("given", [("--not-kept", "MedicationDispense"), ("--config", "site.toml")])
def test_a_medication_type_that_is_not_kept_needs_no_coverage(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch, given: tuple[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("site.toml").write_text('not-kept = ["MedicationDispense"]', encoding="utf-8")
    source = written(tmp_path / "p.json", patient())
    types = "MedicationAdministration,MedicationStatement,MedicationRequest"
    (plain,) = screenings(call("screen", source, *AS_OF, "--complete", types, "--format", "ndjson").out)
    (excused,) = screenings(call("screen", source, *AS_OF, "--complete", types, *given, "--format", "ndjson").out)
    truths = [{c["id"]: c["truth"] for c in one["criteria"]}["exc-b-cell-depletion"] for one in (plain, excused)]
    assert truths == ["unknown", "no"]


def test_a_type_that_is_no_medication_excuses_nothing_and_that_is_told(tmp_path: Path, call: Call) -> None:
    source = written(tmp_path / "p.json", patient())
    done = call("screen", source, *AS_OF, "--not-kept", "Condition", "--format", "ndjson")
    plain = call("screen", source, *AS_OF, "--format", "ndjson")
    assert done.code == 0 and done.out == plain.out
    assert "note: --not-kept Condition is no medication type and excuses nothing" in done.err


# --- wrong calls


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["screen"], "SOURCE"),
        (["screen", "nowhere"], "nowhere does not exist; name a file"),
        (["screen", "https://ehr.example/fhir"], "comes with the sync; give an exported file or folder"),
        (["screen", COHORT, "--as-of", "22.11.2026"], "'22.11.2026' is not a date; write YYYY-MM-DD"),
        (["screen", COHORT, "--as-of", "2026-W47-7"], "write YYYY-MM-DD"),
        (["screen", COHORT, "--consent-date", "2026-02-30"], "write YYYY-MM-DD"),
        (["screen", COHORT, "--complete", "condition"], "no resource type is called 'condition'; write Condition\n"),
        (["screen", COHORT, "--complete", "Condition,Procedur"], "write Procedure"),
        (["screen", COHORT, "--complete", ","], "write resource types such as Condition,Procedure or all"),
        (["screen", COHORT, "--not-kept", "all"], "no resource type is called 'all'"),
        (["screen", COHORT, "--format", "xml"], "'text', 'json', 'ndjson'"),
        (["screen", COHORT, "--trial", "ln-msc"], "write one of ln-msc-il2, or the path of a trial folder"),
        (["screen", COHORT, "--config", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["screen", COHORT, "--out", "x", "--issues", "x"], "write two names"),
        (["explain", COHORT], "--patient"),
        (
            ["explain", COHORT, "--patient", "elligible", *AS_OF],
            "no patient 'elligible' in the input; write Pat",
        ),
        (["trial", "show", "--trial", "nothing"], "no trial 'nothing'"),
        (["mappings", "check", "--trial", "nothing"], "no trial 'nothing'"),
        (["screening"], "No such command 'screening'"),
    ],
)
def test_a_wrong_call_ends_with_2_and_one_sentence_that_says_what_to_write(
    call: Call, arguments: list[str], told: str
) -> None:
    done = call(*arguments)
    assert done.code == 2
    assert told in done.err and done.err.startswith("trial-adapter: ")
    assert done.out == "" and len(done.err.splitlines()) == 1


# --- configuration


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("timezone = 'Asia/Shanghai'", "no setting is called timezone; write time-zone"),
        ("[limits]\nline-byte = 1", "no setting is called limits.line-byte; write line-bytes"),
        ("[limits]\ndepth = '64'", "limits.depth must be a whole number above 0"),
        ("[limits]\ndepth = 0", "limits.depth must be a whole number above 0"),
        ("time-zone = 'Asia/Peking2'", "no time-zone is called 'Asia/Peking2'"),
        ("time-zone = 8", "time-zone must be"),
        ("not-kept = 'MedicationDispense'", "not-kept must be a list"),
        ("not-kept = [1]", "not-kept must be a list"),
        ("limits = 3", "limits must be a table"),
        ("not toml", "not valid TOML"),
    ],
)
def test_a_wrong_setting_is_told_with_file_and_key(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        load_config(path)
    assert str(path) in str(raised.value) and told in str(raised.value)


def test_no_configuration_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRIAL_ADAPTER_CONFIG", raising=False)
    assert load_config() == Config()


def test_the_environment_names_the_file_and_its_paths_are_beside_it(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site.toml").write_text("concept-maps = ['lis.json']\n[limits]\ndepth = 5", encoding="utf-8")
    monkeypatch.setenv("TRIAL_ADAPTER_CONFIG", str(tmp_path / "site.toml"))
    assert load_config() == Config(concept_maps=(tmp_path / "lis.json",), depth=5)


def test_a_concept_map_that_is_not_there_is_a_wrong_configuration(tmp_path: Path, call: Call) -> None:
    (tmp_path / "site.toml").write_text("concept-maps = ['lis.json']", encoding="utf-8")
    done = call("screen", COHORT, "--config", tmp_path / "site.toml")
    assert done.code == 2 and "lis.json is not there" in done.err


def test_the_time_zone_moves_the_days(tmp_path: Path, call: Call) -> None:
    """23:30 in London is the next day in Shanghai."""
    source = written(tmp_path / "p.json", patient(), observation(UPCR, "1.4", "g/g", "2026-11-22T23:30:00+00:00"))
    (tmp_path / "site.toml").write_text("time-zone = 'Europe/London'", encoding="utf-8")
    (here,) = screenings(call("screen", source, *AS_OF, "--format", "ndjson").out)
    there_out = call("screen", source, *AS_OF, "--config", tmp_path / "site.toml", "--format", "ndjson").out
    (there,) = screenings(there_out)
    assert [i["problem"].startswith("dated") for i in here["issues"]] == [True] and there["issues"] == []


def test_the_limits_of_the_configuration_are_those_of_the_sources(tmp_path: Path, call: Call) -> None:
    source = written(tmp_path / "p.json", patient(), observation(UPCR, "1.4", "g/g", "2026-11-01", note="x" * 5000))
    (tmp_path / "site.toml").write_text("[limits]\nline-bytes = 2000", encoding="utf-8")
    assert call("screen", source, *AS_OF).code == 0
    assert call("screen", source, *AS_OF, "--config", tmp_path / "site.toml").code == 1


# --- issues


def test_a_note_is_no_error(tmp_path: Path, call: Call) -> None:
    source = written(tmp_path / "p.json", patient(), observation(UPCR, "1.4", "g/g", "2027-01-01"))
    done = call("screen", source, *AS_OF, "--format", "ndjson")
    (one,) = screenings(done.out)
    assert done.code == 0 and done.err == "" and [i["severity"] for i in one["issues"]] == ["note"]


def test_an_error_of_a_patient_ends_with_1_and_stands_in_his_screening(tmp_path: Path, call: Call) -> None:
    source = written(tmp_path / "p.json", patient(), observation(UPCR, "1.4", "g/g", "2026-02-30", id="o1"))
    done = call("screen", source, *AS_OF, "--format", "ndjson", "--issues", tmp_path / "issues.ndjson")
    (one,) = screenings(done.out)
    assert done.code == 1
    assert [(i["severity"], i["reference"], i["path"]) for i in one["issues"]] == [
        ("error", "Observation/o1", "effectiveDateTime")
    ]
    (listed,) = map(json.loads, (tmp_path / "issues.ndjson").read_text(encoding="utf-8").splitlines())
    assert list(listed) == ["severity", "reference", "path", "problem", "file", "line"]
    assert "2026-02-30" not in done.err  # what a patient's record says stays out of stderr
    assert call("explain", source, "--patient", "p1", *AS_OF).code == 1


def test_issues_of_the_run_are_told_twenty_and_a_count_and_listed_in_full(tmp_path: Path, call: Call) -> None:
    source = tmp_path / "export.ndjson"
    lines = [as_json(patient()).decode(), *(f'{{"resourceType": "Observation", "id": "o{n}"' for n in range(30))]
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = call("screen", source, *AS_OF, "--format", "ndjson", "--issues", tmp_path / "issues.ndjson")
    assert done.code == 1 and [one["patient"] for one in screenings(done.out)] == ["Patient/p1"]
    told = [line for line in done.err.splitlines() if line.startswith("error: ")]
    listed = [json.loads(line) for line in (tmp_path / "issues.ndjson").read_text(encoding="utf-8").splitlines()]
    assert len(told) == 20 and len(listed) == 30
    assert f"{source}:2" in told[0] and "30 issues" in done.err
    assert {(one["file"], one["line"]) for one in listed} == {(str(source), n) for n in range(2, 32)}


@pytest.mark.parametrize("content", ["", "{}", '{"resourceType": "Organization", "id": "x"}', "%PDF-1.4"])
@pytest.mark.parametrize(("format_", "result"), [("json", "[\n]\n"), ("ndjson", "")])
def test_no_patient_at_all_is_an_error(tmp_path: Path, call: Call, content: str, format_: str, result: str) -> None:
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    done = call("screen", tmp_path / "x.json", *AS_OF, "--format", format_)
    assert (done.code, done.out) == (1, result)
    assert "no patient in the input" in done.err


def test_no_patient_data_reach_stderr(tmp_path: Path, call: Call) -> None:
    source = written(
        tmp_path / "p.json",
        patient(born="1987-13-45", name=[{"family": "Secret"}]),
        condition(code("icd10", "M32.1", "Very private"), onset="2026-02-31"),
    )
    done = call("screen", source, *AS_OF)
    assert done.code == 1
    assert not any(word in done.err for word in ("Secret", "1987", "private", "M32", "2026-02-31"))


# --- sinks


def test_out_holds_what_standard_output_would(tmp_path: Path, call: Call) -> None:
    out = tmp_path / "screenings.json"
    done = call("screen", COHORT, *AS_OF, "--format", "json", "--out", out)
    assert (done.code, done.out) == (0, "")
    assert out.read_text(encoding="utf-8") == call("screen", COHORT, *AS_OF, "--format", "json").out
    assert [path.name for path in tmp_path.iterdir()] == ["screenings.json"]


def test_a_file_that_cannot_be_finished_stays_as_it_was(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "screenings.json"
    out.write_text("yesterday's", encoding="utf-8")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = call("screen", COHORT, *AS_OF, "--format", "json", "--out", out)
    assert done.code == 3 and "No space left on device" in done.err
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [(out.name, "yesterday's")]


@pytest.mark.parametrize("option", ["--out", "--issues"])
def test_a_sink_that_cannot_be_written_ends_with_3_before_anything_is_read(
    tmp_path: Path, call: Call, option: str
) -> None:
    for path, told in ((tmp_path / "nowhere" / "x.json", "its folder does not exist"), (tmp_path, "it is a folder")):
        done = call("screen", COHORT, *AS_OF, option, path)
        assert done.code == 3 and told in done.err and done.out == ""


def test_a_link_stays_a_link_and_a_device_is_not_replaced(tmp_path: Path, call: Call) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("", encoding="utf-8")
    link.symlink_to(real)
    assert call("screen", COHORT, *AS_OF, "--format", "json", "--out", link).code == 0
    assert link.is_symlink() and real.stat().st_size > 1000
    assert call("screen", COHORT, *AS_OF, "--format", "json", "--out", os.devnull).code == 0
    assert Path(os.devnull).is_char_device()


def test_a_full_disk_behind_standard_output_ends_with_3() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "adapter", "screen", COHORT, *AS_OF], cwd=ROOT, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 3 and b"Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = [sys.executable, "-m", "adapter", "screen", COHORT, *AS_OF, "--format", "ndjson"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout and running.stderr
        running.stdout.read(10)
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 0


# --- explain


@pytest.mark.parametrize("name", ["eligible", "Patient/eligible"])
def test_a_patient_is_found_by_id_and_by_reference(call: Call, name: str) -> None:
    done = call("explain", COHORT, "--patient", name, *AS_OF, "--complete", "all")
    assert done.code == 0 and done.out.startswith("Patient/eligible: eligible\n")


def test_a_merged_patient_is_found_by_his_old_id(tmp_path: Path, call: Call) -> None:
    old = patient(id="old", link=[{"type": "replaced-by", "other": {"reference": "Patient/p1"}}])
    source = written(tmp_path / "p.json", old, patient())
    assert call("explain", source, "--patient", "old", *AS_OF).out.startswith("Patient/p1: ")


def test_explain_gives_the_screening_of_one_patient_as_json_too(call: Call) -> None:
    everybody = screenings(call("screen", COHORT, *AS_OF, "--format", "json").out)
    (one,) = screenings(call("explain", COHORT, "--patient", "pregnant", *AS_OF, "--format", "json").out)
    assert one in everybody


# --- help


def test_every_command_has_help(call: Call) -> None:
    for command in ([], ["screen"], ["explain"], ["trial", "show"], ["mappings", "check"], ["mappings", "coverage"]):
        done = call(*command, "--help")
        assert done.code == 0 and done.out.startswith("Usage: trial-adapter")
    options = call("screen", "--help").out
    for option in [
        "trial",
        "as-of",
        "consent-date",
        "screening-date",
        "randomisation-date",
        "complete",
        "not-kept",
        "format",
        "out",
        "issues",
    ]:
        assert f"--{option}" in options


def test_help_imports_neither_rich_nor_a_validator() -> None:
    code_ = "import sys; from adapter.cli import cli; cli.main(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code_], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = set(done.stdout.splitlines()[-1].split())
    assert not modules & {"rich", "jsonschema", "fhir", "pydantic", "asyncio"}


def test_a_screening_of_json_needs_no_table(tmp_path: Path) -> None:
    source = written(tmp_path / "p.json", patient(), consent("2026-11-01"), request("tacrolimus", "2026-11-01"))
    code_ = (
        "import sys; from adapter.cli import cli;"
        f"cli.main(['screen', {str(source)!r}, '--format', 'ndjson'], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code_], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "rich" not in done.stdout.splitlines()[-1].split()
