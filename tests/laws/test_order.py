"""Order is nothing: shuffled records, files, codings and keys give the same bytes of JSON."""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.eligibility.screening import Asked, Screening
from adapter.facts.collect import Collector
from adapter.fhir.dates import Calendar
from adapter.screen import Site, screen_bundle, screen_events
from adapter.sources.export import read
from tests.builders import (
    Json,
    administration,
    also,
    as_json,
    bundle,
    code,
    codes,
    condition,
    loinc,
    medication,
    observation,
    patient,
    quantity,
    words,
)
from tests.laws.records import TODAY, cohort, pool, specification, trial, written

EVERYONE = tuple(one for resources in cohort().values() for one in resources)
chances = st.integers(0, 2**32).map(random.Random)


def bundled(records: Iterable[Mapping[str, Any]]) -> bytes:
    return written(screen_bundle(as_json(bundle(*records)), trial(), as_of=TODAY, complete="all"))


def shuffled(chance: random.Random, records: Iterable[Json]) -> list[Json]:
    told = list(records)
    chance.shuffle(told)
    return told


def with_codings_shuffled(chance: random.Random, value: Any) -> Any:
    """The same JSON with the codings of every concept in another order."""
    if isinstance(value, dict):
        changed = {key: with_codings_shuffled(chance, one) for key, one in value.items()}
        if isinstance(changed.get("coding"), list):
            chance.shuffle(changed["coding"])
        return changed
    return [with_codings_shuffled(chance, one) for one in value] if isinstance(value, list) else value


def with_keys_shuffled(chance: random.Random, value: Any) -> Any:
    """The same JSON with the members of every object in another order."""
    if isinstance(value, dict):
        keys = shuffled(chance, value)  # type: ignore[arg-type]
        return {key: with_keys_shuffled(chance, value[key]) for key in keys}  # type: ignore[index]
    return [with_keys_shuffled(chance, one) for one in value] if isinstance(value, list) else value


# --- the cohort


@pytest.mark.parametrize("name", cohort())
@given(chances)
@settings(max_examples=12)
def test_the_records_of_a_patient_come_in_any_order(name: str, chance: random.Random) -> None:
    assert bundled(shuffled(chance, cohort()[name])) == bundled(cohort()[name])


@pytest.mark.parametrize("name", cohort())
@given(chances)
@settings(max_examples=6)
def test_the_codings_of_a_concept_come_in_any_order(name: str, chance: random.Random) -> None:
    assert bundled(with_codings_shuffled(chance, cohort()[name][:]) or ()) == bundled(cohort()[name])


@pytest.mark.parametrize("name", cohort())
@given(chances)
@settings(max_examples=6)
def test_the_keys_of_an_object_come_in_any_order(name: str, chance: random.Random) -> None:
    assert bundled(with_keys_shuffled(chance, list(cohort()[name]))) == bundled(cohort()[name])


@given(chances)
@settings(max_examples=8)
def test_all_patients_of_the_cohort_mixed_in_one_bundle(chance: random.Random) -> None:
    assert bundled(shuffled(chance, EVERYONE)) == bundled(EVERYONE)


# --- files


def screened(paths: Iterable[Path]) -> bytes:
    """The output for files, in the order in which they are given; patients come out in the order of their ids."""
    collector = Collector(trial().vocabulary(Calendar(Site().zone)), frozenset("*"))
    found: list[Screening] = list(
        screen_events(read([str(path) for path in paths]), trial(), Asked(TODAY), collector=collector)
    )
    assert not [issue for issue in collector.issues if issue.severity == "error"]
    return written(sorted(found, key=lambda one: one.patient))


def by_type(records: Iterable[Json]) -> dict[str, list[Json]]:
    groups: dict[str, list[Json]] = {}
    for record in records:
        groups.setdefault(str(record["resourceType"]), []).append(record)
    return groups


def by_patient(records: Iterable[Json]) -> dict[str, list[Json]]:
    return {name: list(resources) for name, resources in cohort().items()}


def by_chance(records: Iterable[Json]) -> dict[str, list[Json]]:
    chance, groups = random.Random(3), {str(n): [] for n in range(7)}  # type: ignore[var-annotated]
    for record in records:
        groups[chance.choice(sorted(groups))].append(record)
    return groups


SPLITS: list[Callable[[Iterable[Json]], dict[str, list[Json]]]] = [by_type, by_patient, by_chance]


@pytest.mark.parametrize("split", SPLITS, ids=lambda split: split.__name__)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_files_come_in_any_order_under_any_name_as_ndjson_or_bundles(
    split: Callable[[Iterable[Json]], dict[str, list[Json]]], seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    expected = bundled(EVERYONE)
    paths: list[Path] = []
    for number, group in enumerate(shuffled(chance, split(EVERYONE).values())):  # type: ignore[arg-type]
        records = shuffled(chance, group)
        lines = chance.random() < 0.5
        path = tmp_path / f"{number:03d}.{'ndjson' if lines else 'json'}"
        path.write_bytes(b"\n".join(map(as_json, records)) if lines else as_json(bundle(*records)))
        paths.append(path)
    assert screened(paths) == expected
    assert screened(reversed(paths)) == expected
    assert screened([tmp_path]) == expected


def test_a_folder_given_twice_says_nothing_twice(tmp_path: Path) -> None:
    for name, records in by_type(EVERYONE).items():
        (tmp_path / f"{name}.ndjson").write_bytes(b"\n".join(map(as_json, records)))
    copy = tmp_path / "again"
    copy.mkdir()
    (copy / "all.json").write_bytes(as_json(bundle(*EVERYONE)))
    assert screened([tmp_path]) == bundled(EVERYONE)


# --- the rows of the specification, and records chosen among all of them


@pytest.mark.parametrize("criterion", specification())
def test_the_records_of_every_row_come_in_any_order(criterion: str) -> None:
    chance = random.Random(criterion)
    for row in specification()[criterion]:
        if len(row) > 1:
            records = [patient(), *row]
            assert bundled(shuffled(chance, records)) == bundled(records)
            assert bundled(reversed(records)) == bundled(records)


def test_the_codings_of_every_record_of_the_specification_come_in_either_order() -> None:
    def answers_to(record: Json) -> Any:
        return json.loads(bundled([patient(), record]))[0]["criteria"]

    different = [one for one in pool() if reversed_codings(one) != one]
    assert len(different) > 10
    for record in different:
        assert answers_to(reversed_codings(record)) == answers_to(record)


def reversed_codings(value: Any) -> Any:
    """The same JSON with the codings of every concept in the opposite order."""
    if isinstance(value, dict):
        return {
            key: one[::-1] if key == "coding" and isinstance(one, list) else reversed_codings(one)
            for key, one in value.items()
        }
    return [reversed_codings(one) for one in value] if isinstance(value, list) else value


@given(chances)
@settings(max_examples=60)
def test_any_records_come_in_any_order_with_their_codings_and_keys(chance: random.Random) -> None:
    records = [patient(), *chance.sample(pool(), 40)]
    other = with_keys_shuffled(chance, with_codings_shuffled(chance, shuffled(chance, records)))
    assert bundled(other) == bundled(records)


VERSIONS = [
    also(observation(loinc("2890-2"), quantity(value, "g/g"), on="2026-11-10", id="o1"), meta=meta)
    for value, meta in (
        ("0.4", {"versionId": "1"}),
        ("1.6", {"versionId": "2"}),
        ("0.5", {"versionId": "10", "lastUpdated": "2026-11-01T00:00:00Z"}),
        ("0.6", {"versionId": "10", "lastUpdated": "2026-11-02T00:00:00Z"}),
        ("0.7", {"versionId": "10", "lastUpdated": "2026-11-02T00:00:00Z"}),
        ("1.8", {"lastUpdated": "2026-11-20T00:00:00Z"}),
        ("1.9", None),
        ("2.9", None),
    )
]
MERGED = [
    patient(id="old", link=[{"other": {"reference": "Patient/p1"}, "type": "replaced-by"}], born="1991"),
    patient(id="p1", link=[{"other": {"reference": "Patient/older"}, "type": "replaces"}]),
    patient(id="older", gender="male"),
    condition(words("狼疮性肾炎"), "2020-01-01", of="Patient/old", id="c1"),
    condition(words("rheumatoid arthritis"), "2019", of="Patient/older", id="c2"),
    observation(loinc("2890-2"), "1.5", "g/g", on="2026-11-10", of="Patient/older", id="o2"),
]
TWINS = [
    patient(id="a", identifier=[{"system": "urn:mrn", "value": "7"}]),
    patient(id="b", identifier=[{"system": "urn:mrn", "value": "7"}], gender="male", born="1970-01-01"),
    condition(codes(("icd10", "M32.1"), ("icd10", "N08.5")), of="Patient/b", id="c3"),
    condition(words("肺炎"), "2026-11-01", of="Patient/a", id="c4"),
]
DRUGS = [
    also(medication(code("atc", "L01FA01"), id="m1"), meta={"versionId": "2"}),
    also(medication(code("atc", "C09AA02"), id="m1"), meta={"versionId": "1"}),
    administration("Medication/m1", "2026-11-01", id="a1"),
    administration("Medication/m1", "2026-11-05", id="a2"),
]


@pytest.mark.parametrize(
    "records", [VERSIONS, MERGED, TWINS, DRUGS], ids=["versions", "merged", "one identifier", "medications"]
)
@given(chances)
@settings(max_examples=20)
def test_versions_and_merges_do_not_depend_on_what_came_first(records: list[Json], chance: random.Random) -> None:
    assert bundled(shuffled(chance, records)) == bundled(records)


def test_the_input_is_not_changed_by_reading_it() -> None:
    record = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in EVERYONE]}
    before = json.dumps(record)
    screen_bundle(record, trial(), as_of=TODAY)
    assert json.dumps(record) == before
