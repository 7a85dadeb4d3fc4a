"""What people read: the table, the dossier, the dose timeline, the trial, the checks of the mappings, unknown codes."""

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rich.cells import cell_len

from adapter.eligibility.parts import readings_of
from adapter.eligibility.trial import PREDICATES
from adapter.fhir.tables import _Fact
from adapter.report.check_digits import fault_of, is_loinc, is_snomed
from adapter.report.mapping_check import USED_BY_NAME, alternatives, check_all
from adapter.report.output import Spool
from adapter.report.text import clean, wrapped
from adapter.screen import load_trial, screen_bundle
from tests.builders import (
    as_json,
    bundle,
    code,
    codes,
    condition,
    dosage,
    loinc,
    medication,
    observation,
    patient,
    request,
    statement,
    words,
)
from tests.commands import Call, caller

ROOT = Path(__file__).parent.parent
COHORT = ROOT / "examples" / "cohort"
AS_OF = ("--as-of", "2026-11-22")
ALL = ("--complete", "all")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Call:
    return caller(monkeypatch, capsysbinary)


def written(path: Path, *resources: Any) -> Path:
    path.write_bytes(as_json(bundle(*resources)))
    return path


def flat(text: str) -> str:
    return " ".join(text.split())


# --- the table


def rows(text: str) -> list[list[str]]:
    """The rows of the table of a page that is wide enough for one line each."""
    lines = [line for line in text.splitlines() if re.search(r"  (eligible|undetermined|ineligible)\b", line)]
    return [re.split(r"  +", line.strip()) for line in lines]


def test_the_table_has_a_line_a_patient_and_the_eligible_first(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    done = call("screen", COHORT, *AS_OF, *ALL)
    assert [(row[0], row[1]) for row in rows(done.out)] == [
        ("bcc-excised", "eligible"),
        ("eligible", "eligible"),
        ("zh-only", "eligible"),
        ("belimumab-ordered", "undetermined"),
        ("consent-other-study", "undetermined"),
        ("man-without-sledai", "undetermined"),
        ("unit-missing", "undetermined"),
        ("hepatitis-b", "ineligible"),
        ("pregnant", "ineligible"),
        ("rituximab-20-weeks", "ineligible"),
        ("tacrolimus-dose-change", "ineligible"),
        ("upcr-mg-mmol", "ineligible"),
    ]
    told = {row[0]: row[2:] for row in rows(done.out)}
    assert told["rituximab-20-weeks"] == ["B cell depletion in 24 weeks; eligible from 2026-12-21"]
    assert told["unit-missing"] == ["nothing against", "Proteinuria above 1.0 (unit-unresolved)"]
    assert told["upcr-mg-mmol"] == ["not met: Proteinuria above 1.0"]
    assert told["eligible"][0].startswith("all 20 criteria, at least until 2026-12-")
    assert "12 patients: 3 eligible, 4 undetermined, 5 ineligible." in done.out


def test_undetermined_patients_with_the_fewest_open_criteria_come_first(
    tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    almost = json.loads((COHORT / "unit-missing.json").read_text(encoding="utf-8"))
    (tmp_path / "almost.json").write_text(json.dumps(almost), encoding="utf-8")
    written(tmp_path / "empty.json", patient(id="a"))
    assert [row[0] for row in rows(call("screen", tmp_path, *AS_OF, *ALL).out)] == ["unit-missing", "a"]


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_the_table_fits_its_width_and_nothing_is_cut_off(
    call: Call, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = call("screen", COHORT, *AS_OF, *ALL).out
    table = text.partition("12 patients")[0]
    assert max(cell_len(line) for line in table.splitlines()) <= width
    assert "…" not in table and "\x1b" not in table
    assert not any(line.endswith(" ") for line in text.splitlines())
    for word in (
        () if width < 80 else ("rituximab-20-weeks", "unit-unresolved", "2026-12-21", "depletion", "immunosuppressant")
    ):
        assert word in table.replace("\n", "")


def test_the_page_tells_what_was_asked_and_how_to_go_on(call: Call) -> None:
    text = call("screen", COHORT, *AS_OF, "--screening-date", "2026-11-20", "--complete", "Condition").out
    assert "ln-msc-il2: Umbilical cord MSCs" in text
    assert "as of 2026-11-22; given: screening 2026-11-20" in text
    assert "--complete all" in flat(text)  # some criteria lack coverage
    again = text.splitlines()[-1].split()
    assert again[:2] == ["trial-adapter", "explain"]
    assert call(*again[1:]).code == 0


def test_what_a_record_says_cannot_steer_the_terminal(tmp_path: Path, call: Call) -> None:
    named = code("icd10", "M32.1", "lupus \x1b[2J\u202e nephritis\r\n")
    source = written(tmp_path / "p.json", patient(), condition(named, id="c1"))
    for done in (call("screen", source, *AS_OF), call("explain", source, "--patient", "p1", *AS_OF)):
        assert done.code == 0
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", done.out)


# --- text


@given(st.text(max_size=200), st.integers(8, 60), st.integers(0, 3), st.integers(0, 3))
def test_wrapped_text_fits_and_loses_nothing(text: str, width: int, indent: int, hanging: int) -> None:
    lines = list(wrapped(text, width, indent, hanging))
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == clean(text).replace(" ", "")


def test_chinese_text_wraps_by_the_cells_that_it_takes() -> None:
    assert list(wrapped("狼疮性肾炎活动期", 10)) == ["狼疮性肾炎", "活动期"]


def test_a_spool_gives_its_lines_in_the_order_of_their_keys_also_from_disk() -> None:
    spool = Spool()
    for n in range(3000):
        spool.add(f"p{n * 7 % 3000:04}", b"x" * 2000 + b"%d" % n)
    found = [int(line[2000:]) for line in spool.sorted()]
    spool.close()
    assert [n * 7 % 3000 for n in found] == list(range(3000))


# --- the dossier


def dossier(call: Call, source: Path, name: str = "p1", *more: str) -> str:
    return call("explain", source, "--patient", name, *AS_OF, *ALL, *more).out


def test_the_dossier_tells_every_criterion_in_the_order_of_the_trial(call: Call) -> None:
    text = dossier(call, COHORT, "pregnant")
    trial = load_trial()
    places = [text.index(f"({criterion.id})") for criterion in trial.criteria]
    assert places == sorted(places)
    assert all(f'"{criterion.sentence}"' in flat(text) for criterion in trial.criteria)


def test_marks_tell_what_is_in_favour_against_and_open(call: Call) -> None:
    text = flat(dossier(call, COHORT, "rituximab-20-weeks"))
    assert "✗ B cell depletion in 24 weeks (exc-b-cell-depletion): yes, within-window" in text
    assert "✓ Lupus nephritis (inc-lupus-nephritis): yes" in text
    assert "decided against: B cell depletion in 24 weeks" in text
    assert "changes on 2026-12-21 if nothing else happens" in text
    text = dossier(call, COHORT, "unit-missing")
    assert "? Proteinuria above 1.0 (inc-proteinuria): unknown, unit-unresolved" in text
    assert "What is open, and what would decide it" in text


def test_evidence_shows_reference_version_path_value_use_and_formula(tmp_path: Path, call: Call) -> None:
    result = observation(loinc("2890-2"), "180", "mg/mmol", "2026-11-10", id="o1", meta={"versionId": "3"})
    text = flat(dossier(call, written(tmp_path / "p.json", patient(), result)))
    assert "· Observation/o1 version 3 valueQuantity: 180 mg/mmol →" in text
    assert re.search(r"1\.59\d+ g/g, 2026-11-10 \[.*113\.12.*\]", text)


def test_anchors_say_where_they_come_from(call: Call) -> None:
    text = dossier(call, COHORT, "eligible", "--screening-date", "2026-11-18")
    lines = {line.split()[0]: line for line in text.splitlines()[:9] if line.strip()}
    assert lines["consent"].endswith("from the record")
    assert lines["screening"].split(maxsplit=1)[1] == "2026-11-18  given"
    assert lines["randomisation"].endswith("assumed: the as-of date")


def test_a_child_is_shown_once_and_its_parent_does_not_repeat_it(call: Call) -> None:
    text = flat(dossier(call, COHORT, "eligible"))
    assert text.count("Hepatitis B surface antigen negative on 2026-11-12.") == 1


def test_the_dose_timeline_has_a_row_a_record_and_a_mark_a_week(tmp_path: Path, call: Call) -> None:
    source = written(
        tmp_path / "p.json",
        patient(),
        statement(code("atc", "L04AD02"), ("2026-01-01", "2026-10-10"), dosage=dosage(1, times=2), id="old"),
        statement(code("atc", "L04AD02"), ("2026-10-11", None), dosage=dosage(2, times=2), id="new"),
        request(code("atc", "L04AK01"), dosage=dosage(20, start="2026-11-09"), id="lef"),
    )
    part = dossier(call, source).partition("Doses of the immunosuppressants")[2].partition("\n\n")[0]
    lines = [line.strip() for line in part.splitlines()]
    assert "in the 84 days before screening (2026-08-30 to 2026-11-22)" in part
    assert lines[2:] == [
        "leflunomide",
        "··········▄██  since 2026-11-09  order, 20 mg a day  MedicationRequest/lef",
        "tacrolimus",
        "██████·······  2026-01-01 to 2026-10-10  statement, 2 mg a day  MedicationStatement/old",
        "······███████  since 2026-10-11          statement, 4 mg a day  MedicationStatement/new",
        "together: 2026-08-30 to 2026-10-10: 2 mg a day; 2026-10-11 to 2026-11-22: 4 mg a day",
    ]


def test_without_immunosuppressants_the_timeline_says_so(tmp_path: Path, call: Call) -> None:
    assert "  none on record" in dossier(call, written(tmp_path / "p.json", patient()))


def test_issues_and_versions_stand_at_the_end(tmp_path: Path, call: Call) -> None:
    source = written(tmp_path / "p.json", patient(), observation(loinc("2890-2"), "1.4", "g/g", "2026-02-30", id="o1"))
    text = flat(dossier(call, source))
    assert "1 issue ------- error: Observation/o1 effectiveDateTime: '2026-02-30' is not a date" in text
    assert re.search(r"Made with .* mappings sha256:[0-9a-f]{64} trial sha256:", text)


@pytest.mark.parametrize("width", [60, 120])
def test_the_dossier_fits_its_width(call: Call, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = dossier(call, COHORT, "zh-only").partition("Made with")[0]
    assert max(cell_len(line) for line in text.splitlines()) <= width


# --- the schema of a screening is as strict as it says


def sample() -> dict[str, Any]:
    (one,) = screen_bundle(as_json(bundle(patient())), load_trial(), as_of=date(2026, 11, 22))
    return one.to_dict()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("status",), "maybe"),
        (("as_of",), "2026-13-01"),
        (("extra",), 1),
        (("eligible_from",), "soon"),
        (("criteria", 0, "truth"), "perhaps"),
        (("criteria", 0, "kind"), "exclude"),
        (("criteria", 0, "changes_on"), ""),
        (("open", 0, "needs"), ""),
        (("anchors", "consent", "assumed"), "yes"),
        (("versions", "trial"), "1.0"),
        (("issues",), [{"severity": "warning", "reference": "", "path": "", "problem": "x"}]),
    ],
)
def test_the_schema_refuses(path: tuple[str | int, ...], value: object) -> None:
    schema = Draft202012Validator(json.loads((ROOT / "profiles/screening.schema.json").read_text(encoding="utf-8")))
    one: Any = sample()
    assert schema.is_valid(one)
    inner = one
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert not schema.is_valid(one)


def test_the_schema_knows_the_closed_list_of_reasons_for_an_unknown() -> None:
    schema = Draft202012Validator(json.loads((ROOT / "profiles/screening.schema.json").read_text(encoding="utf-8")))
    one: Any = sample()
    unknown = next(criterion for criterion in one["criteria"] if criterion["truth"] == "unknown")
    unknown["reason"] = "within-window"
    assert not schema.is_valid(one)
    unknown["truth"] = "no"
    assert schema.is_valid(one)


# --- trial show


def test_every_criterion_and_reading_of_the_trial_is_shown(call: Call) -> None:
    done, trial = call("trial", "show"), load_trial()
    text = flat(done.out)
    assert done.code == 0 and "20 criteria" in text and "unsigned" in text
    assert all(f"({c.id})" in text and f'"{c.sentence}"' in text for c in trial.criteria)
    for entry in trial.entries:
        assert flat(f"reading {entry.id} (unsigned): {entry.question}") in text
    assert "✓ counts: it counts (in force)" in text and "· ignored: only what lies before" in text


def test_the_readings_of_a_criterion_are_at_least_those_that_its_verdicts_use() -> None:
    trial = load_trial()
    known = {criterion.id: set(readings_of(criterion, trial)) for criterion in trial.criteria}
    for path in sorted(COHORT.glob("*.json")):
        for screening in screen_bundle(path.read_bytes(), trial, as_of=date(2026, 11, 22), complete=("all",)):
            for verdict in screening.criteria:
                assert set(verdict.readings) <= known[verdict.criterion.id] | {"attestation-days"}


# --- check digits


@pytest.mark.parametrize("good", ["2890-2", "3255-7", "718-7", "LA6576-8", "LA6577-6", "LA11884-6"])
def test_loinc_check_digits(good: str) -> None:
    assert is_loinc(good)
    digit = int(good[-1])
    assert not any(is_loinc(f"{good[:-1]}{other}") for other in range(10) if other != digit)


@pytest.mark.parametrize("good", ["68815009", "55464009", "24484000", "73211009"])
def test_snomed_check_digits(good: str) -> None:
    assert is_snomed(good)
    for place in range(len(good)):
        for digit in "0123456789":
            mistyped = good[:place] + digit + good[place + 1 :]
            assert is_snomed(mistyped) == (mistyped == good)
    swapped = [good[:n] + good[n + 1] + good[n] + good[n + 2 :] for n in range(len(good) - 1)]
    assert not any(is_snomed(one) for one in swapped if one != good)


@pytest.mark.parametrize(
    ("system", "wrong"),
    [
        ("http://www.whocc.no/atc", "L04AA6"),
        ("http://hl7.org/fhir/sid/icd-10", "M321"),
        ("http://www.cms.gov/Medicare/Coding/ICD10", "0HBIXZZ"),
        ("http://hl7.org/fhir/sid/cvx", "3"),
        ("http://snomed.info/sct", "6881500"),
    ],
)
def test_a_code_without_the_shape_of_its_system_is_told(system: str, wrong: str) -> None:
    assert fault_of(system, wrong) is not None
    assert fault_of("http://hospital.example/codes", wrong) is None


# --- mappings check


def test_the_shipped_mappings_are_in_order(call: Call) -> None:
    for arguments in ([], ["--all"]):
        done = call("mappings", "check", *arguments)
        assert (done.code, done.err) == (0, "") and done.out.startswith("ok: ")


@pytest.fixture
def mappings(tmp_path: Path) -> Path:
    """A copy of the mappings to break."""
    return Path(shutil.copytree(ROOT / "mappings", tmp_path / "mappings"))


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def edited(path: Path, change: Any) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document["compose"]["include"] if "compose" in document else document["group"])
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


def fault(mappings: Path, follow: int = 0) -> str:
    """The fault that is found, and how many faults follow from it."""
    faults, _ = check_all(None, mappings)
    assert len(faults) == 1 + follow, faults
    return faults[0]


TEXTS_OF_SEVERE = 5
"""Texts of the concept maps that mean the one code of severity-severe."""


def test_a_mistyped_code_is_found(mappings: Path) -> None:
    replaced(mappings / "valuesets" / "severity-severe.json", "24484000", "24484001")
    told = fault(mappings, TEXTS_OF_SEVERE)
    assert told.startswith("mappings/valuesets/severity-severe.json: http://snomed.info/sct|24484001: its check")


def test_an_empty_value_set_is_refused(mappings: Path) -> None:
    edited(mappings / "valuesets" / "severity-severe.json", list.clear)
    assert "severity-severe.json: the value set is empty" in fault(mappings, TEXTS_OF_SEVERE)


def test_a_code_that_is_proof_and_exemption_of_one_fact_is_found(mappings: Path) -> None:
    added = {"system": "http://snomed.info/sct", "concept": [{"code": "414941008", "display": "Onychomycosis"}]}
    edited(mappings / "valuesets" / "infection.json", lambda include: include.append(added))
    told = fault(mappings)
    assert "condition:infection: http://snomed.info/sct|414941008 is in infection and onychomycosis" in told


def test_a_pattern_or_an_alternative_that_matches_no_known_code_is_found(mappings: Path) -> None:
    def mistype(include: Any) -> None:
        include[0]["filter"][0]["value"] = "B35\\.1.*|B53\\.l.*"

    edited(mappings / "valuesets" / "onychomycosis.json", mistype)
    told = fault(mappings)
    assert "onychomycosis.json: 'B53\\\\.l.*' matches no code of http://hl7.org/fhir/sid/icd-10" in told


def test_a_regex_that_is_none_is_found(mappings: Path) -> None:
    edited(mappings / "valuesets" / "onychomycosis.json", lambda i: i[0]["filter"][0].update(value="B35(\\.1"))
    assert "the regex 'B35(\\\\.1' is wrong" in fault(mappings)


def test_a_value_set_that_nothing_uses_is_found(mappings: Path) -> None:
    text = (mappings / "valuesets" / "onychomycosis.json").read_text(encoding="utf-8")
    (mappings / "valuesets" / "spare.json").write_text(
        text.replace("/onychomycosis", "/spare").replace('"id": "onychomycosis"', '"id": "spare"'), encoding="utf-8"
    )
    assert "spare.json: no fact uses it" in fault(mappings)


def test_a_value_set_that_is_not_there_is_found(mappings: Path) -> None:
    replaced(mappings / "facts.yaml", "exempt: [onychomycosis]", "exempt: [onychomycosi]")
    faults, _ = check_all(None, mappings)
    assert any("no value set is called 'onychomycosi'" in one for one in faults)


def test_a_text_that_no_value_set_holds_is_found(mappings: Path) -> None:
    def point_elsewhere(groups: Any) -> None:
        groups[0]["element"].append({"code": "一种别的病", "target": [{"code": "248152002"}]})

    edited(mappings / "conceptmaps" / "text-clinical.json", point_elsewhere)
    assert "'一种别的病' means 248152002, which no value set holds" in fault(mappings)


def test_a_system_without_a_name_is_found(mappings: Path) -> None:
    replaced(mappings / "valuesets" / "severity-severe.json", "http://snomed.info/sct", "http://snomed.org/sct")
    assert "the system http://snomed.org/sct is not in systems.yaml" in fault(mappings, TEXTS_OF_SEVERE)


def test_a_unit_factor_that_is_no_number_is_found_with_its_line(mappings: Path) -> None:
    replaced(mappings / "units.yaml", "'mg/g': {factor: \"1/1000\"}", "'mg/g': {factor: \"0,001\"}")
    assert re.match(r"mappings/units.yaml:\d+: mg/g: the factor", fault(mappings))


TRIAL = "trials/ln-msc-il2"


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("facts.yaml", "exempt: [onychomycosis]", "exempts: [onychomycosis]", ":{line}: condition:infection"),
        (f"{TRIAL}/criteria.yaml", "kind: inclusion", "kind: include", ":{line}: criteria.0.kind"),
        (f"{TRIAL}/criteria.yaml", "weeks: 24", "weeks: 0", ":{line}: criteria.8.holds.within.weeks"),
        (f"{TRIAL}/readings.yaml", "decided-by: null", "decided-by: Dr A", ":{line}: 0.decided-on"),
        (f"{TRIAL}/readings.yaml", "in-force: 15-55", "in-force: adults", ":{line}: childbearing-age"),
        (f"{TRIAL}/criteria.yaml", "sentence: SLEDAI-2K", "sentence: SLEDAI", "inc-sledai-2k: the sentence"),
        (f"{TRIAL}/criteria.yaml", "diagnosed: condition:lupus-nephritis", "diagnosed: nothing", "no fact"),
    ],
)
def test_a_fault_of_a_yaml_file_is_told_with_its_line(mappings: Path, file: str, old: str, new: str, told: str) -> None:
    replaced(mappings / file, old, new)
    found = fault(mappings)
    assert found.startswith(f"mappings/{file}:")
    assert re.search(re.escape(told).replace(r"\{line\}", r"\d+"), found), found


def test_yaml_and_json_that_cannot_be_read_are_told(mappings: Path) -> None:
    replaced(mappings / "valuesets" / "severity-severe.json", "{", "[")
    replaced(mappings / "trials" / "ln-msc-il2" / "criteria.yaml", "criteria:", "criteria: [")
    faults, _ = check_all(None, mappings)
    assert any("severity-severe.json" in one for one in faults) and any("not valid YAML" in one for one in faults)


def test_alternatives_are_split_only_outside_of_brackets() -> None:
    assert alternatives(r"A0[0-9|]\.1|B(C|D)\||E") == [r"A0[0-9|]\.1", r"B(C|D)\|", "E"]


def test_the_value_sets_named_in_the_program_exist() -> None:
    named = {
        name
        for path in (ROOT / "adapter").rglob("*.py")
        for name in re.findall(r'member\("([a-z-]+)"', path.read_text(encoding="utf-8"))
    }
    shipped = {path.stem for path in (ROOT / "mappings" / "valuesets").glob("*.json")}
    assert named <= shipped and all(name.startswith(USED_BY_NAME) for name in named)


# --- schemas of the YAML files say what the loaders take


def test_the_schema_of_the_facts_has_the_keys_of_the_loader() -> None:
    schema = json.loads((ROOT / "profiles/facts.schema.json").read_text(encoding="utf-8"))
    assert set(schema["$defs"]["fact"]["properties"]) == {f.encode_name for f in msgspec.structs.fields(_Fact)}


def test_the_schema_of_the_criteria_has_every_predicate() -> None:
    schema = json.loads((ROOT / "profiles/criteria.schema.json").read_text(encoding="utf-8"))
    named = {branch["required"][0] for branch in schema["$defs"]["predicate"]["oneOf"]}
    assert named == {*PREDICATES, "any", "all"}


# --- mappings coverage


def unknown(call: Call, source: Path) -> list[dict[str, Any]]:
    done = call("mappings", "coverage", source, "--format", "json")
    assert done.code == 0
    return list(json.loads(done.out))


def test_what_stands_in_the_way_comes_first_and_what_is_known_does_not_come(tmp_path: Path, call: Call) -> None:
    source = written(
        tmp_path / "p.json",
        patient(),
        condition(code("local", "D1", "恶性肿瘤可能"), id="word"),
        condition(code("local", "D2"), id="nameless"),
        condition(code("local", "D3", "harmless"), id="harmless"),
        condition(code("icd10", "I10", "Hypertension"), id="placed"),
        condition(words("狼疮性肾炎"), id="text"),
        condition(codes(("local", "D4"), ("icd10", "M32.1")), id="second"),
    )
    found = unknown(call, source)
    assert [one["code"] for one in found] == ["D2", "D1", "D3"]
    assert found[0]["why"] == "without a name" and "exc-malignancy" in found[0]["in_the_way_of"]
    assert "exc-malignancy" in found[1]["in_the_way_of"] and found[1]["why"]
    assert found[2]["in_the_way_of"] == [] and "exc-severe-organ-disease" in found[2]["criteria"]


def test_codes_are_counted_by_patients_and_records(tmp_path: Path, call: Call) -> None:
    common = [condition(code("local", "C", "common"), of=f"Patient/p{n}", id=f"c{n}") for n in (1, 1, 2, 3)]
    common[1]["id"] = "c1b"
    rare = condition(code("local", "R", "rare"), id="r")
    found = unknown(call, written(tmp_path / "p.json", rare, *common))
    assert [(one["code"], one["patients"], one["resources"]) for one in found] == [("C", 3, 4), ("R", 1, 1)]


def test_a_medication_that_is_referred_to_is_looked_at_whatever_comes_first(tmp_path: Path, call: Call) -> None:
    drug = medication(code("local", "X9", "某药"), id="m1")
    use = statement(None, "2026-11-01", id="s1", medicationReference={"reference": "Medication/m1"})
    for order in ((drug, use), (use, drug)):
        (one,) = unknown(call, written(tmp_path / "p.json", patient(), *order))
        assert (one["type"], one["code"], one["name"]) == ("MedicationStatement", "X9", "某药")
        assert "exc-b-cell-depletion" in one["criteria"]


def test_a_unit_that_no_table_knows_is_told_with_its_fact(tmp_path: Path, call: Call) -> None:
    source = written(tmp_path / "p.json", patient(), observation(loinc("2890-2"), "1.4", "plus", "2026-11-01"))
    (one,) = unknown(call, source)
    assert (one["kind"], one["system"], one["code"]) == ("unit", "urine-protein-creatinine-ratio", "plus")
    assert "inc-proteinuria" in one["in_the_way_of"]


def test_the_text_tells_where_to_add_them(tmp_path: Path, call: Call) -> None:
    source = written(tmp_path / "p.json", patient(), condition(code("local", "D1", "恶性肿瘤可能"), id="c1"))
    text = flat(call("mappings", "coverage", source).out)
    assert "1 code or unit that no table knows; 1 stand in the way now." in text
    assert 'Condition code http://hospital.example/codes D1 "恶性肿瘤可能" 1 patient, 1 record; in the way (' in text
    assert "docs/how-to/add-a-sites-codes.md" in text and (ROOT / "docs/how-to/add-a-sites-codes.md").is_file()
    known = written(tmp_path / "q.json", patient())
    assert call("mappings", "coverage", known).out == "Every code and unit that was met stands in a table.\n"
