"""What an assignment becomes: the same bytes always, doses exact, dates of the calendar, nothing of the patient."""

import json
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.resources.dosing import weekday
from adapter.sinks.folder import Form, held_in, write_files
from tests.builders import Json, administration, as_json, bundle, code, consent
from tests.commands import Call, Done, caller
from tests.laws.records import TODAY, ago, pool, screening
from tests.spec.assignment_builders import (
    DAY,
    asking,
    batches,
    csv,
    files,
    gate,
    named,
    person,
    row,
    signatures,
    subject,
    trial,
    weight,
    written,
)

FORMS: tuple[Form, ...] = ("resources", "bundle", "ndjson")
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
PLANS = ("CarePlan", "MedicationRequest", "ResearchSubject", "Provenance")
"""What is written of a patient."""

WOMEN = [*person(), *named(person(), "p2"), *named(person(), "p3")]
LINES = [
    row(),
    row(patient="p2", arm="IL-2", allocation_id="A-002", assigned_at=f"{DAY}T10:05:00+08:00"),
    row(patient="p3", arm="MSCs group", allocation_id="A-003", recorded_by="Dr. Li"),
]
forms = st.sampled_from(FORMS)
chances = st.integers(0, 2**32).map(random.Random)


@cache
def usual(form: Form) -> dict[str, bytes]:
    """The files of the three women, in the order in which they stand above."""
    return files(gate(WOMEN, *LINES), form)


def shuffled(chance: random.Random, many: Sequence[Any]) -> list[Any]:
    told = list(many)
    chance.shuffle(told)
    return told


# --- the same bytes


@given(chances, forms)
def test_the_order_of_records_and_of_lines_is_nothing(chance: random.Random, form: Form) -> None:
    found = gate(shuffled(chance, WOMEN), *shuffled(chance, LINES))
    assert files(found, form) == usual(form)


@given(st.sets(st.sampled_from(range(3)), min_size=1), forms)
def test_a_woman_is_written_alike_alone_and_among_others(chosen: set[int], form: Form) -> None:
    some = files(gate(WOMEN, *(LINES[n] for n in sorted(chosen))), form)
    everyone = usual(form)
    if form == "ndjson":
        lines = {line for content in everyone.values() for line in content.splitlines()}
        assert {
            line for name, content in some.items() if name != "List.ndjson" for line in content.splitlines()
        } <= lines
    else:
        assert {n: c for n, c in some.items() if "List" not in n and n != "candidates.json"}.items() <= everyone.items()


@given(st.integers(0, 400), forms)
def test_the_day_of_the_run_changes_nothing_that_is_written(later: int, form: Form) -> None:
    asked = asking(today=(DAY + timedelta(later)).isoformat())
    assert files(gate(WOMEN, *LINES, asked=asked), form, asked) == usual(form)


@given(st.lists(st.sampled_from(range(3)), min_size=1, unique=True), st.sampled_from(["60", "59.5", "72.30"]), forms)
def test_running_twice_changes_no_file(chosen: list[int], kilograms: str, form: Form) -> None:
    records = [*person(weight=[weight(kilograms)]), *named(person(), "p2"), *named(person(), "p3")]
    lines = [LINES[n] for n in chosen]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_files(folder, files(gate(records, *lines), form))
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        held = held_in(folder)
        asked = asking(sink=[dict(one) for one in held.values()])
        again = gate(records, *reversed(lines), asked=asked)
        assert before and again.refusals == again.blocked == ()
        assert files(again, form, asked, held) == {}
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@given(forms, st.integers(0, 3))
def test_what_is_added_later_leaves_what_was_written_before_as_it_is(form: Form, first: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for lines in (LINES[:first], LINES):
            held = held_in(folder)
            asked = asking(sink=[dict(one) for one in held.values()])
            if lines:
                write_files(folder, files(gate(WOMEN, *lines, asked=asked), form, asked, held))
        assert {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*json")} == usual(
            form
        )


# --- ids


def test_ids_are_uuids_of_study_patient_and_role_and_none_is_used_twice() -> None:
    keys = [name for name in usual("resources") if name.split("/")[0] in (*PLANS, "List", "Device")]
    assert len(keys) == len({name.partition("/")[2] for name in keys}) == 3 * 3 + 5 + 2
    for name in keys:
        assert UUID(Path(name).stem).version == 5


@given(st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True), st.sampled_from(["MSC", "IL-2"]))
def test_an_id_tells_nothing_of_the_patient_and_everything_refers_to_her(id_: str, arm: str) -> None:
    found = gate(named(person(), id_), row(patient=id_, arm=arm))
    for type_ in PLANS:
        for one in written(found, type_):
            assert UUID(one["id"]).version == 5
            told = json.dumps(one)
            if type_ != "Provenance":
                assert f'"Patient/{id_}"' in told


# --- the dose


def dose(value: str, unit: str = "kg") -> Decimal:
    """The millions of cells that are written for a weight, as the digits of the JSON say."""
    (request,) = written(gate(person(weight=[weight(value, unit)])), "MedicationRequest")
    quantity = request["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]
    assert (quantity["code"], quantity["unit"]) == ("10*6", "x 10^6 cells")
    assert re.fullmatch(r"\d+(\.\d*[1-9])?", quantity["value"]), "no exponent, no trailing zeros"
    return Decimal(quantity["value"])


def kilograms(least: str = "20", most: str = "250", places: int = 6) -> st.SearchStrategy[str]:
    """A weight in kg as somebody would write it, with up to six decimals."""
    numbers = st.decimals(Decimal(least), Decimal(most), places=places)
    shorter = st.tuples(st.decimals(Decimal(least), Decimal(most), places=places), st.integers(0, places - 1))
    return numbers.map(lambda n: f"{n:f}") | shorter.map(
        lambda pair: f"{max(round(pair[0], pair[1]), Decimal(least)):f}"
    )


@given(kilograms())
def test_the_dose_is_twice_the_kilograms_exactly(text: str) -> None:
    assert Fraction(dose(text)) == 2 * Fraction(text)


@given(kilograms(most="125"), kilograms(most="125"))
def test_the_dose_is_linear_in_the_weight(one: str, other: str) -> None:
    together = f"{Decimal(one) + Decimal(other):f}"
    assert dose(together) == dose(one) + dose(other)
    assert dose(f"{2 * Decimal(one):f}") == 2 * dose(one)


@given(kilograms(places=3))
def test_the_same_weight_in_grams_is_the_same_dose(text: str) -> None:
    assert dose(f"{Decimal(text) * 1000:f}", "g") == dose(text)


@given(kilograms("45", "551", places=3))
def test_a_pound_is_exactly_0_45359237_kilograms(pounds: str) -> None:
    assert Fraction(dose(pounds, "[lb_av]")) == 2 * Fraction(pounds) * Fraction("0.45359237")


@given(
    st.decimals(Decimal("-1000"), Decimal("19.999999"), places=6) | st.decimals(Decimal("250.000001"), Decimal(10**6))
)
def test_outside_20_to_250_kilograms_there_is_no_dose(value: Decimal) -> None:
    found = gate(person(weight=[weight(f"{value:f}")]))
    assert [refusal.code for refusal in found.refusals] == ["weight-out-of-bounds"]


@given(st.integers(0, 60), st.integers(1, 60))
def test_a_weight_counts_for_as_many_days_as_were_signed(days_ago: int, allowed: int) -> None:
    found = gate(person(weight=[weight(on=ago(days_ago))]), asked=asking(trial(weight_days=allowed)))
    assert [refusal.code for refusal in found.refusals] == (["weight-stale"] if days_ago > allowed else [])


# --- dates

CLOCKS = [date(2026, 10, 25), date(2027, 3, 28), date(2026, 11, 1), date(2027, 3, 14), date(2026, 12, 31)]
"""Days on which the clocks of Berlin and New York change, and the end of a year."""
first_days = st.sampled_from(CLOCKS).flatmap(lambda day: st.integers(-60, 3).map(lambda n: day + timedelta(n)))


def il2(first: date, zone: str, interval: str, courses: int) -> tuple[dict[str, Any], list[list[date]]]:
    """The CarePlan of the IL-2 group, and the days of every course, for an assignment on the day of the first dose."""
    moment = datetime(first.year, first.month, first.day, 9, 30, tzinfo=ZoneInfo(zone)).isoformat()
    shift = first - DAY
    records = json.loads(_moved(shift), parse_float=Decimal)
    loaded = trial(il2_courses=courses, il2_interval=interval)
    asked = asking(loaded, today=first.isoformat(), zone=zone, first_dose=first.isoformat())
    found = gate(records, row(arm="IL-2", assigned_at=moment), asked=asked)
    assert found.refusals == ()
    (plan,) = written(found, "CarePlan", asked)
    requests = {one["id"]: one for one in written(found, "MedicationRequest", asked)}
    ordered = [requests[one["reference"]["reference"].partition("/")[2]] for one in plan["activity"]]
    events = [one["dosageInstruction"][0]["timing"]["event"] for one in ordered]
    return plan, [[date.fromisoformat(text) for text in event] for event in events]


def _moved(shift: timedelta) -> str:
    """The woman's records, so many days later."""
    text = json.dumps(json.loads(b"[" + b",".join(map(as_json, person())) + b"]"))
    return re.sub(r"2026-\d\d-\d\d", lambda m: (date.fromisoformat(m.group()) + shift).isoformat(), text)


@given(
    first_days,
    st.sampled_from(ZONES),
    st.sampled_from([("gap-after-course", 28), ("start-to-start", 14)]),
    st.integers(1, 6),
)
def test_seven_days_two_apart_and_the_next_course_after_as_many_days_as_were_signed(
    first: date, zone: str, interval: tuple[str, int], courses: int
) -> None:
    plan, days = il2(first, zone, interval[0], courses)
    assert len(days) == courses
    for number, course in enumerate(days):
        start = first + timedelta(number * interval[1])
        assert course == [start + timedelta(2 * n) for n in range(7)]
        assert len(set(course)) == 7
    given_days = [day for course in days for day in course]
    assert given_days == sorted(set(given_days)), "no day has two injections"
    assert plan["period"]["start"] == first.isoformat()
    for day in given_days:
        assert f"{day:%a} {day.isoformat()}" in plan["text"]["div"]


@given(first_days)
def test_the_zone_in_which_the_assignment_was_written_moves_no_day(first: date) -> None:
    assert len({json.dumps(il2(first, zone, "start-to-start", 3)[1], default=str) for zone in ZONES}) == 1


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_the_weekday_is_that_of_the_calendar(day: date) -> None:
    assert weekday(day) == f"{day:%a} {day.isoformat()}"


def test_without_a_first_day_no_date_is_guessed() -> None:
    for line in LINES:
        for request in written(gate(WOMEN, line), "MedicationRequest"):
            assert "event" not in request["dosageInstruction"][0]["timing"]


# --- time

MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?")
offsets = st.integers(-12 * 4, 13 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))


@given(st.integers(0, 86399), offsets, st.integers(0, 60))
def test_every_time_in_the_resources_of_a_patient_comes_from_the_assignment(
    second: int, zone: timezone, later: int
) -> None:
    here = datetime(DAY.year, DAY.month, DAY.day, tzinfo=ZoneInfo("Asia/Shanghai")) + timedelta(seconds=second)
    instant = here.astimezone(UTC).astimezone(zone).isoformat()
    asked = asking(today=(DAY + timedelta(later)).isoformat())
    found = gate(WOMEN, *({**line, "assigned_at": instant} for line in LINES), asked=asked)
    assert found.refusals == ()
    told = {moment for type_ in (*PLANS, "List") for moment in _moments(written(found, type_, asked))}
    assert told == {instant, DAY.isoformat()}


def _moments(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _moments(one)
    elif isinstance(value, str):
        yield from MOMENT.findall(value)


# --- nothing of the patient

NAME, MRN, PHONE, BORN = "Qiaozhihua Wenxuan", "MRN-77120934", "+86-139-5550-1234", "1990-05-01"
NATIONAL, STREET, CHINESE = "320106199005014521", "Zhongshan North Road 321", "乔文萱"
SECRETS = (*NAME.split(), MRN, PHONE, BORN, NATIONAL, STREET, CHINESE, "seeded", "accession-556677")
"""What must stand in nothing that leaves; every free text of the record holds the word `seeded`."""
ID = "pat-4711"
"""Her id, which may stand in a reference to her and nowhere else."""


def seeded(records: Sequence[Json]) -> list[Json]:
    """The same records with names, numbers, addresses and free text wherever FHIR lets them stand."""
    found = []
    for record in records:
        text = as_json(record).decode().replace('"Patient/p1"', f'"Patient/{ID}","display":"{NAME}"')
        one = json.loads(text, parse_float=Decimal)
        one["text"] = {"status": "generated", "div": f"<div xmlns='http://www.w3.org/1999/xhtml'>seeded {NAME}</div>"}
        one["identifier"] = [{"system": "urn:oid:1.2.3", "value": "accession-556677"}, {"value": MRN}]
        one["note"] = [{"text": f"seeded: {CHINESE} called from {PHONE}"}]
        if isinstance(one.get("code"), dict):
            one["code"]["text"] = f"seeded, {NAME}"
        if one["resourceType"] == "Patient":
            one |= {"id": ID, "name": [{"text": NAME}, {"text": CHINESE}], "telecom": [{"value": PHONE}]}
            one |= {"address": [{"line": [STREET]}], "contact": [{"name": {"text": NAME}}]}
            one["identifier"] += [{"value": NATIONAL}]
        found.append(one)
    return found


def scan(emitted: str, records: Sequence[Json] = ()) -> None:
    """Nothing of the record stands in what was emitted but references to her and to her records; no date of it."""
    dates = set(re.findall(r"\d{4}-\d\d-\d\d", json.dumps([*records], default=str))) - {DAY.isoformat()}
    assert [secret for secret in SECRETS if secret.casefold() in emitted.casefold()] == []
    assert emitted.count(ID) == emitted.count(f"Patient/{ID}")
    assert [day for day in sorted(dates) if day in emitted] == []


WITHDRAWN = consent(ago(-5), status="inactive")
RUNS = {
    "approved": (person(), "MSC", [], 0),
    "approved, with dates": (person(), "IL-2", ["--first-dose", "2026-12-07"], 0),
    "a diff": (person(), "MSC", ["--dry-run"], 0),
    "ineligible": (person(more=[administration(code("atc", "L01FA01"), ago(30))]), "MSC", [], 1),
    "an old weight, no consent": (person(weight=[weight(on=ago(40))], inc_consent=[]), "MSC", [], 1),
    "weights that differ": (person(weight=[weight(), weight("66.6")]), "MSC", [], 1),
    "an arm in another case": (person(), "msc", [], 1),
    "a record with an impossible date": (person(more=[weight(on="2026-02-30")]), "IL-2", [], 1),
}


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Call:
    return caller(monkeypatch, capsysbinary)


def assigned(call: Call, folder: Path, records: Sequence[Json], arm: str, *more: object) -> Done:
    """The command over the seeded records."""
    source, lines, signed = folder / "source.json", folder / "lines.csv", folder / "signed.yaml"
    source.write_bytes(as_json(bundle(*seeded(records))))
    lines.write_text(csv(row(patient=ID, arm=arm)), encoding="utf-8")
    signed.write_text(signatures(), encoding="utf-8")
    day = () if "--as-of" in more else ("--as-of", DAY)
    given_files = ("--assignments", lines, "--readings", signed)
    return call("assign", source, *given_files, "--complete", "all", *day, *more)


def emitted(done: Done, out: Path) -> str:
    """Every byte: both streams, the names of the files and what they hold."""
    paths = sorted(path for path in out.rglob("*") if path.is_file())
    inside = [f"{path.relative_to(out)}\n{path.read_text(encoding='utf-8')}" for path in paths]
    return "\n".join([done.out, done.err, *inside])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", RUNS)
def test_nothing_of_the_patient_leaves(name: str, form: Form, call: Call, tmp_path: Path) -> None:
    records, arm, more, code_ = RUNS[name]
    done = assigned(call, tmp_path, records, arm, "--format", form, "--out", tmp_path / "out", *more)
    assert done.code == code_
    told = emitted(done, tmp_path / "out").replace(str(tmp_path), "")
    assert f"Patient/{ID}" in told
    scan(told, records)


@pytest.mark.parametrize("form", FORMS)
def test_nor_on_standard_output(form: Form, call: Call, tmp_path: Path) -> None:
    done = assigned(call, tmp_path, person(), "MSC", "--format", form)
    assert (done.code, done.err) == (0, "")
    scan(done.out, person())


def test_nor_in_a_later_run_that_tells_what_has_happened(call: Call, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    assert assigned(call, tmp_path, person(), "MSC", *out).code == 0
    later = assigned(call, tmp_path, person(more=[WITHDRAWN]), "MSC", *out, "--as-of", ago(-14))
    assert later.code == 1 and "later-consent" in later.err
    scan(emitted(later, tmp_path / "out").replace(str(tmp_path), ""), person(more=[WITHDRAWN]))


def test_nor_in_the_resources_of_a_screening(call: Call, tmp_path: Path) -> None:
    source, out = tmp_path / "source.json", tmp_path / "out"
    source.write_bytes(as_json(bundle(*seeded(person(inc_contraception=[], inc_proteinuria=[])))))
    done = call("assign", source, "--screening-status", "--complete", "all", "--as-of", DAY, "--out", out)
    assert done.code == 0 and list(out.glob("GuidanceResponse/*"))
    scan(emitted(done, out).replace(str(tmp_path), ""))


# --- only who is eligible

CAREFUL = settings(max_examples=150)


@given(st.lists(st.sampled_from(pool()), max_size=5), st.sampled_from(["all", (), ("Condition", "Observation")]))
@CAREFUL
def test_whatever_the_record_holds_only_who_is_eligible_that_day_gets_a_plan(
    more: list[Json], complete: str | tuple[str, ...]
) -> None:
    records = person(more=[one for one in more if one["resourceType"] != "Patient"])
    found = gate(records, complete=complete)
    status = screening(records, as_of=TODAY, complete=complete, readings=None, randomisation_date=DAY).status
    plans = [] if found.refusals else written(found, "CarePlan")
    assert bool(plans) <= (status == "eligible")
    assert ("not-eligible" in {refusal.code for refusal in found.refusals}) == (status != "eligible")


@given(st.lists(st.sampled_from(pool()), max_size=5), st.integers(0, 30), st.booleans())
def test_whatever_happens_later_nobody_who_was_assigned_is_refused_and_nothing_written_changes(
    more: list[Json], later: int, in_file: bool
) -> None:
    held = {f"{one['resourceType']}/{one['id']}": one for one in _held()}
    asked = asking(today=(DAY + timedelta(later)).isoformat(), sink=held.values())
    records = [*person(more=[one for one in more if one["resourceType"] != "Patient"]), *named(person(), "p2")]
    lines = [row(), LINES[1]] if in_file else [LINES[1]]
    found = gate(records, *lines, asked=asked)
    assert {refusal.patient for refusal in found.refusals} <= {"Patient/p2"}
    if found.blocked and not found.refusals:
        for batch in batches(found, asked, held):
            for change in batch.changes:
                assert not change.writes or "p1" not in json.dumps(change.resource, default=str)


@cache
def _held() -> tuple[Json, ...]:
    """What the folder holds after the woman was assigned."""
    found = files(gate(person()), "resources")
    return tuple(json.loads(found[name], parse_float=Decimal) for name in sorted(found))


def test_no_screening_takes_an_assignment_back() -> None:
    """Not even where it is not known that the folder holds her as assigned."""
    held = {f"{one['resourceType']}/{one['id']}": one for one in _held()}
    found = gate([*person(), *named(person(), "p2")], LINES[1], screening_status=True)
    (change,) = [
        change
        for batch in batches(found, held=held)
        for change in batch.changes
        if change.held and change.held["resourceType"] == "ResearchSubject"
    ]
    assert (change.action, change.held and change.held["status"]) == ("kept", "pending-on-study")


def test_the_folder_knows_whom_it_assigned() -> None:
    (enrolled,) = [one for one in _held() if one["resourceType"] == "ResearchSubject"]
    wanted = subject(allocation="A-001", start=DAY.isoformat(), id=str(enrolled["id"]))
    assert {name: enrolled[name] for name in ("status", "period", "assignedArm", "individual")} == {
        name: wanted[name] for name in ("status", "period", "assignedArm", "individual")
    }


@pytest.mark.parametrize("form", FORMS)
def test_numbers_survive_the_folder(form: Form, tmp_path: Path) -> None:
    write_files(tmp_path, files(gate(person(weight=[weight("132.277", "[lb_av]")])), form))
    (request,) = [one for key, one in held_in(tmp_path).items() if key.startswith("MedicationRequest/")]
    assert "119.99967585298" in json.dumps(request, default=str)
