"""What may leave: which judge finds which slip, where, and without telling what stood there."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from adapter.resources.judges import MODEL, SCHEMA, Fault, judge
from adapter.resources.shape import encoded
from tests.hapi.slips import GONE, NAMES, ONLY_HAPI_SEES, Object, Slip, changed, example
from tests.r4_schema import TYPES, cut

R4 = Path(__file__).parent.parent.parent / "profiles" / "r4"
BOTH, SUBJECT, REQUEST = f"{MODEL} and {SCHEMA}", "ResearchSubject", "MedicationRequest-il2"
REPEAT = "dosageInstruction.0.timing.repeat"
DOSE = "dosageInstruction.0.doseAndRate.0.doseQuantity"


def judged(resource: Object) -> tuple[Fault, ...]:
    return judge(resource, encoded(resource))


def judges(faults: tuple[Fault, ...]) -> str:
    return " and ".join(sorted({fault.judge for fault in faults}, key=(MODEL, SCHEMA).index))


SLIPS = [
    # Codes: the library knows none; the published schema not those that several resources share.
    (SCHEMA, Slip(SUBJECT, "status", "banana", "no such code")),
    (SCHEMA, Slip(REQUEST, "status", "banana", "no such code; the published schema takes any")),
    (SCHEMA, Slip(REQUEST, "intent", "banana", "no such code; the published schema takes any")),
    (SCHEMA, Slip("CarePlan", "status", "banana", "no such code; the published schema takes any")),
    (SCHEMA, Slip(REQUEST, f"{REPEAT}.periodUnit", "days", "UCUM says d")),
    (SCHEMA, Slip(REQUEST, f"{REPEAT}.dayOfWeek", ["Mon"], "mon")),
    (BOTH, Slip(SUBJECT, "status", " eligible", "a code begins with no blank")),
    # The shape of another release.
    (BOTH, Slip(SUBJECT, "subject", {"reference": "Patient/p1"}, "R5; R4 says individual")),
    (BOTH, Slip(SUBJECT, "progress", [{"type": {"text": "signed up"}}], "R5")),
    (BOTH, Slip(SUBJECT, "assignedComparisonGroup", "a1", "R5; R4 says assignedArm")),
    (BOTH, Slip(REQUEST, "medication", {"concept": {"text": "x"}}, "R5; R4 says medicationCodeableConcept")),
    (SCHEMA, Slip("PlanDefinition", "subjectCanonical", "https://trial-adapter.example/x", "R4B, and not R4")),
    (SCHEMA, Slip(SUBJECT, "fhir_comments", "dropped before R4", "the library lets it pass")),
    (BOTH, Slip(SUBJECT, "notAnElement", "x", "unknown")),
    # What must be there.
    (BOTH, Slip(SUBJECT, "individual", GONE, "required")),
    (MODEL, Slip(SUBJECT, "status", GONE, "required; the schema lets an extension stand for any primitive")),
    (MODEL, Slip(REQUEST, "medicationCodeableConcept", GONE, "one of medication[x] is required")),
    (MODEL, Slip(REQUEST, "medicationReference", {"reference": "Medication/m1"}, "two of medication[x]")),
    (BOTH, Slip("Provenance", "agent", GONE, "required")),
    # Nothing is empty: hl7.org/fhir/R4/json.html.
    (SCHEMA, Slip("CarePlan", "activity", [], "an empty list")),
    (SCHEMA, Slip("CarePlan", "subject", {}, "an empty object")),
    (BOTH, Slip("CarePlan", "title", "", "an empty text")),
    (SCHEMA, Slip("CarePlan", "title", None, "null")),
    # Ids and references.
    (BOTH, Slip(SUBJECT, "id", "under_score", "no _ in an id")),
    (SCHEMA, Slip(SUBJECT, "id", "x" * 65, "64 characters at most")),
    (SCHEMA, Slip(SUBJECT, "individual.reference", "Organization/sponsor", "not a Patient")),
    (SCHEMA, Slip("CarePlan", "activity.0.reference.reference", "Observation/o1", "not a request")),
    (SCHEMA, Slip("GuidanceResponse", "performer.reference", "https://h.example/fhir/Practitioner/1", "not a Device")),
    (SCHEMA, Slip(REQUEST, "basedOn.0.reference", "CarePlan/under_score", "no reference of the form Type/id")),
    (SCHEMA, Slip(SUBJECT, "individual", {"type": "Group", "reference": "urn:uuid:x"}, "says that it is no Patient")),
    # Dates.
    (BOTH, Slip("CarePlan", "created", "2026-11-22T09:30:00", "a time without a zone")),
    (BOTH, Slip("CarePlan", "created", "2026-11-22T09:30Z", "a time without seconds")),
    (MODEL, Slip("CarePlan", "period.start", "2026-02-30", "no such day")),
    (BOTH, Slip("Provenance", "recorded", "2026-11-22", "an instant is exact")),
    # Types.
    (SCHEMA, Slip(REQUEST, f"{REPEAT}.count", "7", "a number is no text")),
    (BOTH, Slip(REQUEST, f"{REPEAT}.count", Decimal("7.5"), "a whole number")),
    (BOTH, Slip(REQUEST, f"{REPEAT}.count", 0, "a positive number")),
    (SCHEMA, Slip(REQUEST, f"{REPEAT}.period", 0.1, "a float is not the number that was meant")),
    (SCHEMA, Slip("Group", "active", "true", "a boolean is no text")),
    (BOTH, Slip("CarePlan", "title", 7, "a text is no number")),
    (BOTH, Slip("CarePlan", "subject", "Patient/p1", "an object is no text")),
    (SCHEMA, Slip("CarePlan", "subject", '{"reference": "Patient/p1"}', "nor the JSON of one")),
    (BOTH, Slip("CarePlan", "activity", {"reference": {"reference": "Task/t"}}, "a list is no object")),
    (BOTH, Slip("CarePlan", "resourceType", "Careplan", "no type")),
    (BOTH, Slip("CarePlan", "contained", [{"resourceType": "Careplan"}], "no type")),
]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_for_a_trial_passes(name: str) -> None:
    assert judged(example(name)) == ()


@pytest.mark.parametrize(("by", "slip"), SLIPS, ids=[f"{s.example}.{s.path}: {s.why}" for _, s in SLIPS])
def test_a_slip_is_found(by: str, slip: Slip) -> None:
    faults = judged(changed(slip))
    assert judges(faults) == by, faults


@pytest.mark.parametrize("slip", [slip for slip, _ in ONLY_HAPI_SEES], ids=lambda s: f"{s.example}.{s.path}: {s.why}")
def test_what_passes_and_only_hapi_refuses(slip: Slip) -> None:
    """`tests/hapi` shows that HAPI does; a row that a judge learns to find moves up."""
    assert judged(changed(slip)) == ()


@pytest.mark.parametrize(
    ("slip", "faults"),
    [
        (Slip(SUBJECT, "study", GONE, ""), {"ResearchSubject.study"}),
        (Slip(SUBJECT, "notAnElement", "x", ""), {"ResearchSubject.notAnElement"}),
        (Slip("CarePlan", "activity.1.reference.reference", "o1", ""), {"CarePlan.activity[1].reference"}),
        (Slip(REQUEST, f"{REPEAT}.count", 0, ""), {"MedicationRequest.dosageInstruction[0].timing.repeat.count"}),
        (
            Slip("CarePlan", "contained", [{"resourceType": "Device", "status": "banana"}], ""),
            {"CarePlan.contained[0].status"},
        ),
    ],
)
def test_a_fault_names_the_resource_and_the_place(slip: Slip, faults: set[str]) -> None:
    found = judged(changed(slip))
    assert {fault.path for fault in found} == faults
    assert {fault.reference for fault in found} == {f"{found[0].path.partition('.')[0]}/{example(slip.example)['id']}"}


def test_a_problem_is_told_in_words() -> None:
    faults = judged(changed(Slip(SUBJECT, "status", "banana", "")))
    assert [fault.problem for fault in faults] == [
        "none of candidate, eligible, follow-up, ineligible, not-registered, off-study, on-study, "
        "on-study-intervention, on-study-observation, pending-on-study, potential-candidate, screening and 1 more"
    ]


def leaves(value: object, path: str = "") -> list[str]:
    """The path of every primitive but ids and types, which a fault has to name."""
    if not isinstance(value, dict | list):
        return [] if path.endswith((".id", ".resourceType")) else [path[1:]]
    members = value.items() if isinstance(value, dict) else enumerate(value)
    return [leaf for key, each in members for leaf in leaves(each, f"{path}.{key}")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["Zhang-San 4711", {"family": "Zhang-San 4711"}, ["Zhang-San 4711"]], ids=repr)
def test_a_fault_never_tells_what_stands_there(name: str, value: object) -> None:
    """Whatever lands in whichever element: faults are logged, and a name must not be."""
    told = [judged(changed(Slip(name, path, value, ""))) for path in leaves(example(name))]
    assert any(told) and "Zhang" not in repr(told)


def test_numbers_are_judged_by_their_text() -> None:
    for number in (Decimal("113.50"), Decimal("1E+6"), Decimal("-0.1"), 7):
        assert judged(changed(Slip("MedicationRequest-msc", f"{DOSE}.value", number, ""))) == ()
    for number in (Decimal("NaN"), Decimal("Infinity"), True):
        faults = judge(changed(Slip("MedicationRequest-msc", f"{DOSE}.value", number, "")), encoded(example(SUBJECT)))
        assert f"MedicationRequest.{DOSE.replace('.0', '[0]')}.value" in {fault.path for fault in faults}


def test_tuples_are_lists() -> None:
    resource = example("CarePlan")
    assert judged(resource | {"activity": tuple(resource["activity"])}) == ()


def test_a_bundle_is_judged_resource_by_resource() -> None:
    bundle = example("Bundle")
    bundle["entry"][1]["resource"]["status"] = "banana"
    bundle["entry"][0]["request"]["method"] = "OVERWRITE"
    bundle["entry"].append({"request": {"method": "DELETE", "url": "Device/old"}})
    envelope, plan = judged(bundle)
    assert (envelope.reference, envelope.path) == ("Bundle/write-p1", "Bundle.entry[0].request.method")
    assert (plan.reference, plan.path) == (f"CarePlan/{bundle['entry'][1]['resource']['id']}", "CarePlan.status")


@pytest.mark.parametrize("entry", ["x", [], [7], [{}], [{"resource": "Patient/p1"}], [{"resource": {}}]], ids=repr)
def test_a_bundle_of_the_wrong_shape_does_not_pass(entry: object) -> None:
    assert judged(example("Bundle") | {"entry": entry})


@pytest.mark.parametrize("resource", [{}, {"resourceType": "Patient"}, {"resourceType": 7}, {"resourceType": ["x"]}])
def test_only_what_is_written_here_passes(resource: Object) -> None:
    assert SCHEMA in judges(judged(resource))


def test_bytes_that_are_no_json_do_not_pass() -> None:
    assert judge(example(SUBJECT), b"{")


# --- profiles/r4 ---


def test_the_schema_is_what_the_script_cuts() -> None:
    schema = json.loads((R4 / "fhir.schema.json").read_text(encoding="utf-8"))
    assert cut(schema) == schema
    assert (
        list(schema["discriminator"]["mapping"]) == TYPES == sorted({example(name)["resourceType"] for name in NAMES})
    )


def test_the_keywords_of_the_schema_are_those_that_the_judge_knows_how_to_read() -> None:
    """`oneOf` stands only for the choice of a resource, nothing beside a `$ref`, and a pattern binds from `^` to `$`."""
    schema = (R4 / "fhir.schema.json").read_text(encoding="utf-8")
    definitions = json.loads(schema)["definitions"]
    assert [name for name, each in definitions.items() if "oneOf" in each] == ["ResourceList"]
    assert schema.count('"oneOf"') == 2  # the other one: of the whole
    assert all(re.match(r"\^.*\$$", pattern) for pattern in re.findall(r'"pattern": "(.*)"', schema))
    assert not re.search(r'"\$ref": "[^"]*",', schema)


def test_every_rule_is_of_an_element_of_the_schema() -> None:
    definitions = json.loads((R4 / "fhir.schema.json").read_text(encoding="utf-8"))["definitions"]
    for name, rules in json.loads((R4 / "rules.json").read_text(encoding="utf-8")).items():
        assert rules.keys() <= definitions[name]["properties"].keys()
        assert all(rule.keys() <= {"codes", "targets"} and all(rule.values()) for rule in rules.values())
