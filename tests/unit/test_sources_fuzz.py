"""Whatever is done to the bytes of a record, reading it gives records and named issues, never an exception."""

import json
import random
from collections.abc import Iterator

import pytest

from adapter.errors import Issue
from adapter.sources.bundle import read_document
from adapter.sources.events import Record, Unreadable

SEED = 20_261_122
ROUNDS = 4_000

RESOURCES = [
    {"resourceType": "Patient", "id": "p1", "identifier": [{"system": "urn:mrn", "value": "7"}], "birthDate": "1990"},
    {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2890-2"}], "text": "尿蛋白/肌酐"},
        "subject": {"reference": "Patient/p1"},
        "valueQuantity": {"value": 1.5e0, "unit": "g/g"},
        "referenceRange": [{"high": {"value": 0.2}}],
    },
    {
        "resourceType": "MedicationRequest",
        "id": "m1",
        "medicationReference": {"reference": "#m"},
        "contained": [{"resourceType": "Medication", "id": "m"}],
        "subject": {"identifier": {"system": "urn:mrn", "value": "7"}},
        "dosageInstruction": [{"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}}],
    },
    {"resourceType": "Appointment", "id": "a1", "participant": [{"actor": {"reference": "Patient/p1"}}]},
]
SPICE = [
    b"null",
    b"[]",
    b"{}",
    b'"',
    b"\\",
    b"\\ud800",
    b"\xff",
    b"NaN",
    b"1e999",
    b",",
    b"]",
    b"}",
    b"[" * 300,
    b"\0",
    b"",
]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A few cuts, copies and insertions at random places."""
    for _ in range(chance.randint(1, 3)):
        at, other = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
        match chance.randrange(4):
            case 0:
                data = data[:at] + chance.choice(SPICE) + data[at:]
            case 1:
                data = data[:at] + data[min(other, at + 8) :]
            case 2:
                data = data[:other]
            case 3:
                data = data[:at] + data[at:other] + data[at:]
    return data


def documents(chance: random.Random) -> Iterator[bytes]:
    entries = [{"fullUrl": f"urn:uuid:{n}", "resource": one} for n, one in enumerate(RESOURCES)]
    originals = [json.dumps(one, ensure_ascii=False).encode() for one in RESOURCES]
    originals.append(json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode())
    for _ in range(ROUNDS):
        yield mutated(chance.choice(originals), chance)


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_no_damage_raises_and_every_refusal_is_named(seed: int) -> None:
    kinds = set()
    for data in documents(random.Random(seed)):
        for event in read_document(data, "f.json"):
            kinds.add(type(event))
            if isinstance(event, Unreadable | Issue):
                issue = event.issue if isinstance(event, Unreadable) else event
                assert issue.problem and issue.file == "f.json"
    assert {Record, Unreadable, Issue} <= kinds
