"""HAPI accepts what is written for a trial, and refuses what it should: the proof that it looks at all."""

import json
from pathlib import Path

import pytest

from adapter.resources.shape import encoded
from tests.hapi.slips import FOLDER, GONE, NAMES, ONLY_HAPI_SEES, Slip, changed
from tests.hapi.validator import Message, validate

pytestmark = pytest.mark.hapi

PROFILE = {
    "resourceType": "StructureDefinition",
    "url": "https://trial-adapter.example/StructureDefinition/subject-with-arm",
    "name": "SubjectWithArm",
    "status": "active",
    "fhirVersion": "4.0.1",
    "kind": "resource",
    "abstract": False,
    "type": "ResearchSubject",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/ResearchSubject",
    "derivation": "constraint",
    "differential": {
        "element": [
            {"id": "ResearchSubject", "path": "ResearchSubject"},
            {"id": "ResearchSubject.assignedArm", "path": "ResearchSubject.assignedArm", "min": 1},
        ]
    },
}
META = {"profile": [PROFILE["url"]]}
SUBJECT = "ResearchSubject"
SLIPS = [
    (Slip(SUBJECT, "status", "banana", "no such code"), "Terminology_TX_NoValid_16"),
    (Slip("MedicationRequest-il2", "status", "banana", "no such code"), "Terminology_TX_NoValid_16"),
    (Slip(SUBJECT, "individual.reference", "Organization/sponsor", "a given one, wrong type"), "BadTargetType"),
    (Slip(SUBJECT, "individual.reference", "Group/elsewhere", "not given, wrong type"), "BadTargetType"),
    (Slip(SUBJECT, "study", GONE, "required"), "Validation_VAL_Profile_Minimum"),
    (Slip(SUBJECT, "status", GONE, "required"), "Validation_VAL_Profile_Minimum"),
    *ONLY_HAPI_SEES,
]


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Message]]:
    """The errors by name of file, of one run over everything: the start of Java takes longer than all the rest."""
    profiles, wrong = tmp_path_factory.mktemp("profiles"), tmp_path_factory.mktemp("wrong")
    (profiles / "subject-with-arm.json").write_text(json.dumps(PROFILE), encoding="utf-8")
    for number, (slip, _) in enumerate(SLIPS):
        (wrong / f"slip-{number}.json").write_bytes(encoded(changed(slip)))
    claims = changed(Slip(SUBJECT, "meta", META, "claims the profile"))
    (wrong / "with-arm.json").write_bytes(encoded(claims))
    (wrong / "without-arm.json").write_bytes(encoded({k: v for k, v in claims.items() if k != "assignedArm"}))
    (wrong / "no-json.json").write_text("{", encoding="utf-8")
    found: dict[str, list[Message]] = {}
    for message in validate([FOLDER, wrong], [profiles]):
        if message.is_error:
            found.setdefault(message.file.stem, []).append(message)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_valid(name: str, messages: dict[str, list[Message]]) -> None:
    assert messages.get(name, []) == []


@pytest.mark.parametrize(
    ("number", "slip", "id_"),
    [(number, *row) for number, row in enumerate(SLIPS)],
    ids=[f"{slip.example}.{slip.path}: {slip.why}" for slip, _ in SLIPS],
)
def test_a_slip_is_found(number: int, slip: Slip, id_: str, messages: dict[str, list[Message]]) -> None:
    assert any((message.id or "").endswith(id_) for message in messages[f"slip-{number}"])


def test_a_profile_is_held(messages: dict[str, list[Message]]) -> None:
    assert messages.get("with-arm", []) == []
    [missing] = messages["without-arm"]
    assert (missing.id, missing.location) == ("Validation_VAL_Profile_Minimum", "ResearchSubject")


def test_a_file_that_is_no_json_is_an_error_of_that_file(messages: dict[str, list[Message]]) -> None:
    assert [message.severity for message in messages["no-json"]] == ["fatal"]


def test_a_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="is missing: tests/hapi needs Maven and a JDK"):
        validate([FOLDER])
