"""profiles/fhir: a definition for everything that is written, an example of each, and the slips that each must catch."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fhir.resources.R4B import get_fhir_model_class

from adapter.fhir.systems import BASE
from adapter.resources.judges import judge
from adapter.resources.research_subject import SCREENED
from adapter.resources.shape import encoded
from tests.golden.cases import CASES, EXAMPLES, FOLDER, expected_files, written
from tests.hapi.validator import Message, validate
from tests.profile_codes import PROFILES, ROOT

Json = dict[str, Any]

DEFINITIONS = sorted(PROFILES.glob("*.json"))
GOLDEN = sorted(FOLDER.glob("*/*.json"))
ABSENT = object()
"""Instead of a value: the element is removed."""

NOT_OURS = {
    "Error generating Snapshot: Unable to resolve package id hl7.fhir.r4.core#null": (
        "HAPI cannot look up the contexts in the definition of an extension; where it is used, they are checked"
    ),
}
"""How HAPI's errors begin that are no fault of a file here, and why."""


def loaded(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    return found


class Slip(NamedTuple):
    """An example, what is put at which place of it (`arm.0.name`), and the end of the id of HAPI's message."""

    profile: str
    path: str
    value: object
    found: str


MISSING, TOO_MANY = "Validation_VAL_Profile_Minimum", "Validation_VAL_Profile_Maximum"
FIXED, PATTERN = "_DT_Fixed_Wrong", "TYPE_CHECKS_PATTERN_CC"
DOSE = "dosageInstruction.0.doseAndRate.0.doseQuantity"
TIMING = "dosageInstruction.0.timing"
EXTRACT = "item.1.item.0.extension"

SLIPS = [
    # An order, or something that a person has to sign, is never written.
    Slip("trial-medication-request", "intent", "order", FIXED),
    Slip("trial-care-plan", "intent", "order", FIXED),
    Slip("trial-activity-definition", "intent", "order", FIXED),
    Slip("trial-medication-request", "doNotPerform", True, TOO_MANY),
    Slip("trial-care-plan", "author.reference", "Practitioner/p1", "BadTargetType"),
    Slip("trial-care-plan", "author", ABSENT, MISSING),
    # The dose: a UCUM code, once multiplied, with its calculation.
    Slip("trial-medication-request", f"{DOSE}.code", ABSENT, MISSING),
    Slip("trial-medication-request", f"{DOSE}.unit", ABSENT, MISSING),
    Slip("trial-medication-request", f"{DOSE}.system", "https://hospital.example/units", FIXED),
    Slip("trial-medication-request", f"{DOSE}.value", 120_000_000, "#millions-once"),
    Slip("trial-medication-request", f"{DOSE}.value", 0, "#above-zero"),
    Slip("trial-medication-request", f"{DOSE}.comparator", ">", TOO_MANY),
    Slip("trial-medication-request", "note", ABSENT, "#calculation-shown"),
    Slip("trial-medication-request", "supportingInformation", ABSENT, "#calculation-shown"),
    Slip("trial-medication-request", "dosageInstruction.0.route", ABSENT, MISSING),
    Slip("trial-medication-request", "dosageInstruction.0.asNeededBoolean", True, TOO_MANY),
    Slip("trial-activity-definition", "dosage.0.doseAndRate.0.doseQuantity.code", ABSENT, MISSING),
    # The days: one for each dose, apart, never guessed.
    Slip("trial-medication-request", f"{TIMING}.event", ["2026-11-23", "2026-11-25"], "#days-counted"),
    Slip("trial-medication-request", f"{TIMING}.repeat.count", 7, "#spaced"),
    Slip("trial-medication-request", f"{TIMING}.repeat", ABSENT, MISSING),
    # What belongs together.
    Slip("trial-medication-request", "groupIdentifier", ABSENT, MISSING),
    Slip("trial-medication-request", "basedOn", ABSENT, MISSING),
    Slip("trial-medication-request", "instantiatesCanonical", ABSENT, MISSING),
    Slip("trial-care-plan", "instantiatesCanonical", ABSENT, MISSING),
    Slip("trial-care-plan", "instantiatesCanonical.1", f"{BASE}/PlanDefinition/ln-msc-il2-il-2|1.0.0", TOO_MANY),
    Slip("trial-care-plan", "supportingInfo.0", {"reference": "Observation/weight"}, "#names-its-subject"),
    Slip("trial-care-plan", "activity.0", {"detail": {"status": "not-started"}}, MISSING),
    Slip("trial-care-plan", "text", ABSENT, MISSING),
    # The subject: nobody waits for the study without arm, consent, day and the randomiser's number.
    Slip("trial-research-subject", "assignedArm", ABSENT, "#assigned"),
    Slip("trial-research-subject", "consent", ABSENT, "#assigned"),
    Slip("trial-research-subject", "period", ABSENT, "#assigned"),
    Slip("trial-research-subject", "identifier.1", ABSENT, "#assigned"),
    Slip("trial-research-subject", "identifier.0.value", "1820", "#own-id"),
    Slip("trial-research-subject", "extension.0.valueString", "edited", "#sha-256"),
    Slip("trial-research-subject", "individual.reference", "Practitioner/p1", "BadTargetType"),
    # The trial.
    Slip("trial-research-study", "identifier.0.system", "https://registry.example", "#canonical-url"),
    Slip("trial-research-study", "arm.1.name", "MSCs group", "#arms-differ"),
    Slip("trial-research-study", "arm.0.description", ABSENT, MISSING),
    Slip("trial-research-study", "enrollment", ABSENT, MISSING),
    Slip("trial-research-study", "protocol.0.reference", "Group/g1", "BadTargetType"),
    Slip("trial-group", "actual", True, FIXED),
    Slip("trial-group", "characteristic.0.code.text", ABSENT, MISSING),
    Slip("trial-group", "characteristic.1.code.coding.0.code", "inc-lupus-nephritis", "#criteria-differ"),
    Slip("trial-group", "characteristic.0.code.coding.0.code", "inc-lupus", "PassThrough_TX_Message"),
    Slip("trial-plan-definition", "type.coding.0.code", "order-set", PATTERN),
    Slip("trial-plan-definition", "version", ABSENT, MISSING),
    Slip("trial-questionnaire", "item.0.item.0.linkId", "first", "#named-by-code"),
    Slip("trial-questionnaire", "item.0.item.0.code", ABSENT, "#says-what-it-asks"),
    Slip("trial-questionnaire", EXTRACT, ABSENT, "#extracted"),
    Slip("trial-location", "managingOrganization", ABSENT, MISSING),
    Slip("trial-organization", "name", ABSENT, MISSING),
    Slip("trial-device", "version", ABSENT, MISSING),
    Slip("trial-device", "deviceName.0.type", "model-name", "#named"),
    # Where it comes from: the program and a person, the assignment and the rules.
    Slip("trial-provenance", "agent.0", ABSENT, MISSING),
    Slip("trial-provenance", "agent.1", ABSENT, MISSING),
    Slip("trial-provenance", "agent.1.who.reference", "Device/d1", "BadTargetType"),
    Slip("trial-provenance", "entity.0", ABSENT, "#names-the-assignment"),
    Slip("trial-provenance", "entity.21", ABSENT, "#names-the-rules"),
    Slip("trial-provenance", "target.0.reference", "Patient/eligible", "BadTargetType"),
    # The candidates: nobody twice, nobody deleted, only what recruIT reads.
    Slip("trial-candidates", "mode", "snapshot", FIXED),
    Slip("trial-candidates", "extension", ABSENT, "#belongs-to-study"),
    Slip("trial-candidates", "code.coding.0.code", "candidates", PATTERN),
    Slip("trial-candidates", "entry.1", loaded(EXAMPLES / "trial-candidates.json")["entry"][0], "#once-each"),
    Slip("trial-candidates", "entry.0.date", ABSENT, MISSING),
    Slip("trial-candidates", "entry.0.item.reference", "Patient/eligible", "BadTargetType"),
    Slip("trial-candidates", "entry.0.flag", {"coding": [{"system": f"{BASE}/CodeSystem/candidate-flag", "code": "gone"}]}, "NoValid_1_CC"),
    # What is missing: only while something is.
    Slip("trial-guidance-response", "status", "success", "#data-only-if-required"),
    Slip("trial-guidance-response", "dataRequirement", ABSENT, "#data-only-if-required"),
    Slip("trial-guidance-response", "note.0", ABSENT, "#told-in-words"),
    Slip("trial-guidance-response", "dataRequirement.0.id", ABSENT, "#criterion-named"),
    Slip("trial-guidance-response", "subject", ABSENT, MISSING),
]  # fmt: skip


def slipped(slip: Slip) -> Json:
    """The example of a profile with the slip in it."""
    resource = copy.deepcopy(loaded(EXAMPLES / f"{slip.profile}.json"))
    *above, last = [int(step) if step.isdigit() else step for step in slip.path.split(".")]
    place: Any = resource
    for step in above:
        place = place[step]
    if slip.value is ABSENT:
        del place[last]
    elif isinstance(place, list) and last == len(place):
        place.append(slip.value)
    else:
        place[last] = slip.value
    return resource


def urls(definitions: list[Path], type_: str) -> set[str]:
    resources = [loaded(path) for path in definitions]
    return {one["url"] for one in resources if one["resourceType"] == type_}


def inside(value: object, name: str) -> Iterator[Any]:
    """Every value of an element of this name, at any depth."""
    if isinstance(value, dict):
        yield from (value[name] for _ in range(name in value))
        for each in value.values():
            yield from inside(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from inside(each, name)


# --- the definitions and the examples, without HAPI ---


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_a_definition_is_fhir_and_named_by_its_url(path: Path) -> None:
    definition = loaded(path)
    get_fhir_model_class(definition["resourceType"]).model_validate_json(path.read_bytes())
    assert path.stem == f"{definition['resourceType']}-{definition['id']}"
    assert definition["url"] == f"{BASE}/{definition['resourceType']}/{definition['id']}"


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_an_element_that_matters_says_in_plain_english_what_it_is(path: Path) -> None:
    elements = loaded(path).get("differential", {}).get("element", [])
    assert [one["id"] for one in elements if one.get("mustSupport") and len(one.get("short", "")) < 5] == []


def test_every_profile_that_the_program_claims_is_defined_and_every_definition_is_claimed() -> None:
    resources = [json.loads(content) for case in CASES for content in written(case).values()]
    claimed = {url for one in resources for urls in inside(one, "profile") for url in urls}
    extensions = {each["url"] for one in resources for many in inside(one, "extension") for each in many}
    own = {url for url in extensions if url.startswith(BASE)}
    assert claimed | own == urls(DEFINITIONS, "StructureDefinition")


def test_every_rule_of_a_profile_has_a_slip_that_breaks_it() -> None:
    rules = [rule for path in DEFINITIONS for many in inside(loaded(path), "constraint") for rule in many]
    assert {f"#{rule['key']}" for rule in rules if rule["severity"] == "error"} <= {slip.found for slip in SLIPS}


def test_every_profile_has_one_example() -> None:
    profiles = {url.rpartition("/")[2] for url in urls(DEFINITIONS, "StructureDefinition")} - {"content-digest"}
    assert sorted(path.stem for path in EXAMPLES.glob("*.json")) == sorted(profiles)


def test_examples_and_code_systems_are_what_the_program_and_the_mappings_make_of_them() -> None:
    stale = [
        path.relative_to(ROOT).as_posix()
        for path, content in expected_files().items()
        if PROFILES in path.parents and not (path.is_file() and path.read_bytes() == content)
    ]
    assert stale == [], "run python -m tests.golden, and read the difference"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_an_example_passes_both_judges(path: Path) -> None:
    resource = loaded(path)
    assert judge(resource, encoded(resource)) == ()


def test_the_statuses_of_a_screening_are_those_of_the_value_set() -> None:
    [include] = loaded(PROFILES / "ValueSet-screening-status.json")["compose"]["include"]
    assert {concept["code"] for concept in include["concept"]} == set(SCREENED.values())


# --- with HAPI: one run, since its start takes longer than all the rest ---


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Message]]:
    """HAPI's errors on every definition, example, golden file and slip, by the name of the file."""
    folder = tmp_path_factory.mktemp("hapi") / "slip"
    folder.mkdir()
    for number, slip in enumerate(SLIPS):
        (folder / f"{number}.json").write_bytes(encoded(slipped(slip)))
    found: dict[str, list[Message]] = {}
    for message in validate([*DEFINITIONS, EXAMPLES, *GOLDEN, folder], DEFINITIONS):
        if message.is_error and not (message.text or "").startswith(tuple(NOT_OURS)):
            found.setdefault(name_of(message.file), []).append(message)
    return found


def name_of(path: Path) -> str:
    """`msc/CarePlan`, `slip/12`."""
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.hapi
@pytest.mark.parametrize("path", [*DEFINITIONS, *sorted(EXAMPLES.glob("*.json")), *GOLDEN], ids=name_of)
def test_hapi_finds_no_error(path: Path, errors: dict[str, list[Message]]) -> None:
    assert errors.get(name_of(path), []) == []


@pytest.mark.hapi
@pytest.mark.parametrize(
    ("number", "slip"), list(enumerate(SLIPS)), ids=[f"{one.profile}.{one.path}: {one.found}" for one in SLIPS]
)
def test_hapi_finds_a_slip(number: int, slip: Slip, errors: dict[str, list[Message]]) -> None:
    found = [message.id or "" for message in errors.get(f"slip/{number}", [])]
    assert any(id_.endswith(slip.found) for id_ in found), found
