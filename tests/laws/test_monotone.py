"""What more knowledge may do: it never clears a proven exclusion, silence clears nothing by itself, and a person's word
settles what the record leaves open.
"""

import json
import random
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapter.fhir.elements import MEDICATION_TYPES, READ
from tests.builders import (
    PATIENT,
    Json,
    administration,
    as_json,
    attestation,
    code,
    condition,
    dosage,
    encounter,
    immunization,
    loinc,
    observation,
    patient,
    procedure,
    route,
    statement,
    words,
)
from tests.laws.records import ago, answers, cohort, pool, screening, specification, trial, truth

CRITERIA = {criterion.id: criterion for criterion in trial().criteria}
EXCLUSIONS = [name for name, criterion in CRITERIA.items() if criterion.kind == "exclusion"]
chances = st.integers(0, 2**32).map(random.Random)

PROVEN: dict[str, tuple[Json, ...]] = {
    "exc-b-cell-depletion": (administration(code("atc", "L01FA01"), ago(100)),),
    "exc-unstable-immunosuppressant": (
        statement(code("atc", "L04AD02"), (ago(200), ago(41)), status="completed", dosage=dosage("2")),
        statement(code("atc", "L04AD02"), (ago(40), None), dosage=dosage("4")),
    ),
    "exc-biologic-or-jak": (administration(words("贝利尤单抗"), ago(10)),),
    "exc-apheresis": (procedure(words("血浆置换"), ago(40)),),
    "exc-severe-organ-disease": (attestation("exc-severe-organ-disease", True, ago(1)),),
    "exc-severe-infection": (condition(code("icd10", "A15.0"), ago(60)),),
    "exc-hospital-iv-antibiotics": (
        encounter((ago(12), ago(5))),
        administration(code("atc", "J01DD04"), ago(10), route=route("IV"), reason=words("pneumonia")),
    ),
    "exc-treated-infection": (administration(code("atc", "J01DD04"), ago(10), reason=words("肺炎")),),
    "exc-major-surgery": (procedure(words("手术"), ago(30), level="四级"),),
    "exc-live-vaccine": (immunization(code("cvx", "03"), ago(30)),),
    "exc-malignancy": (condition(code("icd10", "C50.9"), "2015"),),
    "exc-pregnant-or-lactating": (condition(code("icd10", "Z33"), ago(60)),),
}
"""criterion -> records that prove its sentence"""


def has_word_on(criterion: str, record: Mapping[str, Any]) -> bool:
    """Whether a record is somebody's word on this criterion."""
    return record["resourceType"] == "QuestionnaireResponse" or criterion in str(record.get("code"))


def is_drug(record: Mapping[str, Any]) -> bool:
    return record["resourceType"] in MEDICATION_TYPES


def may_lift(criterion: str, record: Mapping[str, Any]) -> bool:
    """Whether the specification itself lets a later record change this yes: the latest test decides, a dose is replaced
    by the next, a skin cancer is cut out.
    """
    kind = record["resourceType"]
    if criterion in ("exc-severe-infection", "exc-pregnant-or-lactating"):
        return kind == "Observation"
    if criterion == "exc-unstable-immunosuppressant":
        return is_drug(record)
    return criterion == "exc-malignancy" and kind == "Procedure"


def test_every_exclusion_can_be_proven() -> None:
    assert sorted(PROVEN) == sorted(EXCLUSIONS)
    for criterion, records in PROVEN.items():
        assert truth(criterion, records) == "yes"
        assert truth(criterion, records, complete=()) == "yes"


@pytest.mark.parametrize("criterion", EXCLUSIONS)
@given(chances)
@settings(max_examples=60)
def test_no_added_record_turns_a_proven_exclusion_into_no(criterion: str, chance: random.Random) -> None:
    proof = PROVEN[criterion]
    by_test = any(record["resourceType"] == "Observation" for record in proof)
    added = [one for one in chance.sample(pool(), 25) if not (by_test and may_lift(criterion, one))]
    answer, reason = answers([*proof, *added])[criterion]
    contradicted = any(has_word_on(criterion, one) or may_lift(criterion, one) for one in added)
    assert answer == "yes" or ((answer, reason) == ("unknown", "conflict") and contradicted)


@given(chances)
@settings(max_examples=250)
def test_no_single_record_clears_what_any_other_records_proved(chance: random.Random) -> None:
    base = chance.sample(pool(), chance.randint(1, 12))
    added = chance.choice(pool())
    before, after = (answers(records) for records in (base, [*base, added]))
    for criterion in EXCLUSIONS:
        if before[criterion][0] == "yes" and not may_lift(criterion, added):
            assert after[criterion][0] == "yes" or has_word_on(criterion, added), (criterion, added)


@pytest.mark.parametrize("name", cohort())
@given(chances)
@settings(max_examples=10)
def test_an_ineligible_patient_stays_so_whatever_is_added_of_other_kinds(name: str, chance: random.Random) -> None:
    base = cohort()[name]
    me = f"Patient/{name}"
    added = [_of(me, one) for one in chance.sample(pool(), 10)]
    before, after = (answers(records) for records in (base, [*base, *added]))
    for criterion in EXCLUSIONS:
        lifting = any(may_lift(criterion, one) or has_word_on(criterion, one) for one in added)
        if before[criterion][0] == "yes" and not lifting:
            assert after[criterion][0] == "yes"


def _of(subject: str, record: Json) -> Json:
    """The same record of another patient."""
    moved: Json = json.loads(as_json(record).replace(PATIENT.encode(), subject.encode()))
    return moved


# --- silence

OTHER_TYPES = sorted(READ.keys() - {"Patient", "Medication"})
NEEDED: dict[str, tuple[str, ...]] = {
    "exc-apheresis": ("Procedure",),
    "exc-severe-organ-disease": ("Condition",),
    "exc-severe-infection": ("Condition", "Observation"),
    "exc-hospital-iv-antibiotics": ("Encounter", "MedicationAdministration"),
    "exc-major-surgery": ("Procedure",),
    "exc-live-vaccine": ("Immunization",),
    "exc-malignancy": ("Condition",),
    "exc-pregnant-or-lactating": ("Condition", "Observation"),
    "inc-lupus-nephritis": ("Condition",),
} | dict.fromkeys(
    ("exc-b-cell-depletion", "exc-unstable-immunosuppressant", "exc-biologic-or-jak", "exc-treated-infection"),
    tuple(sorted(MEDICATION_TYPES)),
)
"""criterion -> the types whose silence its `no` rests on (criteria.md, the last column)"""

NOT_BY_SILENCE = {"attested", "not-applicable"}


def covers(criterion: str, complete: Iterable[str]) -> bool:
    """Whether silence can clear a criterion: all its types were read, of hospital and drug one."""
    read = [type_ in complete for type_ in NEEDED[criterion]]
    return any(read) if criterion == "exc-hospital-iv-antibiotics" else all(read)


@pytest.mark.parametrize("criterion", NEEDED)
def test_an_empty_record_clears_a_criterion_only_with_all_its_types_covered(criterion: str) -> None:
    needed = NEEDED[criterion]
    assert answers([], complete=())[criterion] == ("unknown", "not-covered")
    silent = answers([], complete=needed)[criterion]
    if criterion == "exc-pregnant-or-lactating":  # it wants a negative test, too
        assert silent == ("unknown", "no-data")
    else:
        assert silent == ("no", "no-record")
    for missing in needed:
        rest = [type_ for type_ in OTHER_TYPES if type_ != missing]
        expected = "no" if criterion == "exc-hospital-iv-antibiotics" else "unknown"
        assert answers([], complete=rest)[criterion][0] == expected


@given(st.sets(st.sampled_from(OTHER_TYPES)))
@settings(max_examples=80)
def test_a_silent_no_has_its_coverage_and_covered_silence_is_no(complete: set[str]) -> None:
    found = answers([], complete=complete)
    for criterion in NEEDED.keys() - {"exc-pregnant-or-lactating"}:
        assert (found[criterion][0] == "no") == covers(criterion, complete), criterion


@given(chances, st.sets(st.sampled_from(OTHER_TYPES)))
@settings(max_examples=120)
def test_no_record_at_all_makes_silence_count_without_coverage(chance: random.Random, complete: set[str]) -> None:
    records = chance.sample(pool(), chance.randint(1, 25))
    found = answers(records, complete=complete)
    for criterion in NEEDED:
        told, reason = found[criterion]
        if told == "no" and reason not in NOT_BY_SILENCE:
            assert covers(criterion, complete), (criterion, reason)


@given(chances)
@settings(max_examples=60)
def test_an_inclusion_is_never_fulfilled_by_silence(chance: random.Random) -> None:
    inclusions = [name for name in CRITERIA if name not in EXCLUSIONS]
    complete = chance.sample(OTHER_TYPES, chance.randint(0, len(OTHER_TYPES)))
    nobody = [patient(gender=None, born=None)]
    assert all(answers(nobody, complete=complete)[name][0] != "yes" for name in inclusions)
    assert all(answers(nobody, complete="all")[name][0] != "yes" for name in inclusions)


@given(chances, st.sampled_from(OTHER_TYPES))
@settings(max_examples=60)
def test_more_coverage_settles_and_never_turns_an_answer_round(chance: random.Random, more: str) -> None:
    records = chance.sample(pool(), chance.randint(0, 20))
    complete = set(chance.sample(OTHER_TYPES, chance.randint(0, len(OTHER_TYPES))))
    less, full = (answers(records, complete=covered) for covered in (complete, {*complete, more}))
    for criterion, (told, _) in less.items():
        assert full[criterion][0] == told or told == "unknown", criterion


@pytest.mark.parametrize("criterion", [c for c in NEEDED if set(NEEDED[c]) == set(MEDICATION_TYPES)])
@pytest.mark.parametrize("type_", MEDICATION_TYPES)
def test_a_type_that_the_site_does_not_keep_is_excused_only_beside_one_that_was_read(
    criterion: str, type_: str
) -> None:
    others = [one for one in MEDICATION_TYPES if one != type_]
    assert truth(criterion, [], complete=others, not_kept=[type_]) == "no"
    assert truth(criterion, [], complete=others) == "unknown"
    assert truth(criterion, [], complete=(), not_kept=MEDICATION_TYPES) == "unknown"
    assert truth(criterion, [], complete=["MedicationRequest"], not_kept=MEDICATION_TYPES) == "unknown"


@pytest.mark.parametrize("type_", ["Procedure", "Condition", "Immunization", "Encounter"])
def test_not_kept_excuses_medication_types_only(type_: str) -> None:
    rest = [one for one in OTHER_TYPES if one != type_]
    assert answers([], complete=rest, not_kept=[type_]) == answers([], complete=rest)


BROKEN = {
    "Condition": condition(words("hypertension"), "2026-02-30"),
    "Procedure": procedure(words("renal biopsy"), "2026-13-01"),
    "Immunization": immunization(words("influenza vaccine"), "2026-00-01"),
    "MedicationAdministration": administration(words("aspirin"), "2026-02-30"),
    "MedicationStatement": statement(words("aspirin"), "soon"),
    "Observation": observation(loinc("2093-3"), "5", "mmol/L", on="2026-02-29"),
}


@pytest.mark.parametrize("type_", BROKEN)
def test_one_unreadable_record_takes_the_silence_of_its_type_away(type_: str) -> None:
    found = screening([BROKEN[type_]])
    assert [issue.severity for issue in found.issues] == ["error"]
    for verdict in found.criteria:
        name = verdict.criterion.id
        if type_ in NEEDED.get(name, ()) and name not in ("exc-hospital-iv-antibiotics", "exc-pregnant-or-lactating"):
            assert (str(verdict.finding.truth), verdict.finding.reason) == ("unknown", "not-covered"), name


# --- settling what is open


@given(chances, st.booleans(), st.sets(st.sampled_from(OTHER_TYPES)))
@settings(max_examples=150)
def test_a_word_settles_an_unknown_outweighs_silence_and_contradicts_a_proof(
    chance: random.Random, holds: bool, complete: set[str]
) -> None:
    records = [one for one in chance.sample(pool(), chance.randint(0, 15)) if not _is_word(one)]
    criterion = chance.choice(list(CRITERIA))
    before = screening(records, complete=complete)
    after = answers([*records, attestation(criterion, holds, ago(0))], complete=complete)
    for verdict in before.criteria:
        name, finding = verdict.criterion.id, verdict.finding
        told = (str(finding.truth), finding.reason)
        word = "yes" if holds else "no"
        if name != criterion or told[0] == word:
            assert after[name] == told or (name == criterion and after[name] == (word, "attested"))
        elif told[0] == "unknown" or (told[0] == "no" and finding.silent):
            assert after[name] == (word, "attested")
        else:
            assert after[name] == ("unknown", "conflict")


def _is_word(record: Mapping[str, Any]) -> bool:
    return record["resourceType"] == "QuestionnaireResponse" or "CodeSystem/attestation" in str(record.get("code"))


@pytest.mark.parametrize("criterion", specification())
def test_every_unknown_of_the_specification_can_be_settled_both_ways(criterion: str) -> None:
    if criterion not in CRITERIA:
        assert criterion == "overall"
        return
    for row in specification()[criterion]:
        records = [one for one in row if not _is_word(one)]
        if truth(criterion, records) == "unknown":
            for holds in (True, False):
                settled = answers([*records, attestation(criterion, holds, ago(0))])[criterion]
                assert settled == ("yes" if holds else "no", "attested"), records


@given(chances)
@settings(max_examples=60)
def test_what_is_open_is_listed_with_what_would_settle_it(chance: random.Random) -> None:
    complete = chance.sample(OTHER_TYPES, chance.randint(0, len(OTHER_TYPES)))
    found = screening(chance.sample(pool(), chance.randint(0, 25)), complete=complete)
    told: Any = found.to_dict()
    unknown = {one["id"] for one in told["criteria"] if one["truth"] == "unknown"}
    assert {one["criterion"] for one in told["open"]} == unknown
    assert all(one["needs"].strip() for one in told["open"])
    assert all(one["explanation"].strip().endswith(".") for one in told["criteria"])
