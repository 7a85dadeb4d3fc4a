"""One patient's resources of every type, drawn with seeded dice, in shape and size like a US Core export."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, TypeVar

from bench import codes

AS_OF = date(2026, 11, 22)

Resource = dict[str, Any]
T = TypeVar("T")


class Draw:
    """One patient's dice: a share of relevant concepts, and days before the as-of date."""

    def __init__(self, seed: int, number: int, relevant: float) -> None:
        self.random = Random(f"{seed}:{number}")
        self.relevant = relevant
        self.patient = f"p{number:07d}"

    def one(self, choices: Mapping[bool, Sequence[T]]) -> T:
        return self.random.choice(choices[self.random.random() < self.relevant])

    def day(self) -> date:
        """A third of what is recorded is of the last four weeks, the rest of two years."""
        longest = 27 if self.random.random() < 0.33 else 730
        return AS_OF - timedelta(days=self.random.randint(1, longest))

    def moment(self, day: date) -> str:
        return f"{day}T{self.random.randint(7, 18):02d}:{self.random.randint(0, 59):02d}:00+08:00"

    def key(self) -> str:
        return f"{self.random.getrandbits(64):016x}"


def head(draw: Draw, kind: str, day: date) -> Resource:
    """What every resource begins with; about a quarter of a kilobyte, as servers send it."""
    return {
        "resourceType": kind,
        "id": draw.key(),
        "meta": {
            "versionId": str(draw.random.randint(1, 4)),
            "lastUpdated": draw.moment(day),
            "source": "urn:bench:ehr",
            "profile": [f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{kind.lower()}"],
        },
        "identifier": [{"use": "usual", "system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.798268", "value": draw.key()}],
    }


def concept(codings: Sequence[codes.Coding], own: str) -> Resource:
    """The sender's own code first, as large EHRs do, then the standard ones."""
    number = int.from_bytes(codings[0][1].encode(), "big") % 999_983
    local = {"system": own, "code": str(number), "display": codings[0][2].upper()}
    known = [{"system": system, "code": code, "display": display} for system, code, display in codings]
    return {"coding": [local, *known], "text": codings[0][2]}


def category(system: str, code: str, display: str) -> list[Resource]:
    url = f"http://terminology.hl7.org/CodeSystem/{system}"
    return [{"coding": [{"system": url, "code": code, "display": display}], "text": display}]


def reference(draw: Draw) -> Resource:
    return {"reference": f"Patient/{draw.patient}", "display": f"Bench, Patient {draw.patient}"}


def patient(draw: Draw) -> Resource:
    born = date(1934, 1, 1) + timedelta(days=draw.random.randint(0, 80 * 365))
    return {
        "resourceType": "Patient",
        "id": draw.patient,
        "meta": {"versionId": "1", "lastUpdated": draw.moment(AS_OF - timedelta(days=1))},
        "identifier": [{"use": "usual", "system": "urn:oid:1.2.840.114350.1.13.0.1.7.5.737384.0", "value": draw.key()}],
        "active": True,
        "name": [{"use": "official", "family": "Bench", "given": ["Patient", draw.patient]}],
        "telecom": [{"system": "phone", "value": "555-0100", "use": "home"}],
        "gender": draw.random.choice(["female", "female", "male"]),
        "birthDate": born.isoformat(),
        "address": [{"use": "home", "line": ["1 Bench Road"], "city": "Nanjing", "country": "CN"}],
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "zh"}], "text": "Chinese"}}],
    }


def observation(draw: Draw) -> Resource:
    code, display, unit, low, high = draw.one(codes.TESTS)
    day = draw.day()
    moment = draw.moment(day)
    value = round(draw.random.uniform(low, high), 2)
    quantity = {"unit": unit, "system": codes.UCUM, "code": unit}
    middle = {
        "low": {"value": low, **quantity},
        "high": {"value": round(low + (high - low) * 0.6, 2), **quantity},
    }
    return head(draw, "Observation", day) | {
        "status": draw.random.choices(["final", "amended", "entered-in-error"], [90, 9, 1])[0],
        "category": category("observation-category", "laboratory", "Laboratory"),
        "code": concept([(codes.LOINC, code, display)], "urn:oid:1.2.840.114350.1.13.0.1.7.2.768282"),
        "subject": reference(draw),
        "encounter": {"reference": f"Encounter/{draw.key()}", "display": "Office visit"},
        "effectiveDateTime": moment,
        "issued": moment.replace(":00+", ":30+"),
        "performer": [{"reference": f"Organization/{draw.key()}", "display": "Central laboratory"}],
        "valueQuantity": {"value": value, **quantity},
        "referenceRange": [middle | {"text": f"{middle['low']['value']} - {middle['high']['value']} {unit}"}],
        "specimen": {"reference": f"Specimen/{draw.key()}", "display": "Specimen from patient"},
    }


def condition(draw: Draw) -> Resource:
    day = draw.day()
    return head(draw, "Condition", day) | {
        "clinicalStatus": category("condition-clinical", "active", "Active")[0],
        "verificationStatus": category("condition-ver-status", "confirmed", "Confirmed")[0],
        "category": category("condition-category", "problem-list-item", "Problem List Item"),
        "code": concept(draw.one(codes.CONDITIONS), "urn:oid:1.2.840.114350.1.13.0.1.7.2.696871"),
        "subject": reference(draw),
        "onsetDateTime": day.isoformat(),
        "recordedDate": draw.moment(day),
    }


def drug(draw: Draw) -> Resource:
    return {"medicationCodeableConcept": concept(draw.one(codes.DRUGS), "urn:oid:1.2.840.114350.1.13.0.1.7.2.698288")}


def dosage() -> Resource:
    amount = {"value": 500, "unit": "mg", "system": codes.UCUM, "code": "mg"}
    timing = {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}
    route = {"coding": [{"system": codes.SNOMED, "code": "26643006", "display": "Oral"}], "text": "Oral"}
    return {
        "text": "500 mg by mouth twice daily",
        "timing": timing,
        "route": route,
        "doseAndRate": [{"doseQuantity": amount}],
    }


def medication_request(draw: Draw) -> Resource:
    day = draw.day()
    return head(draw, "MedicationRequest", day) | {
        "status": draw.random.choice(["active", "completed"]),
        "intent": "order",
        **drug(draw),
        "subject": reference(draw),
        "authoredOn": draw.moment(day),
        "requester": {"reference": f"Practitioner/{draw.key()}", "display": "Ordering physician"},
        "dosageInstruction": [dosage()],
    }


def medication_statement(draw: Draw) -> Resource:
    day = draw.day()
    last = min(AS_OF - timedelta(days=1), day + timedelta(days=draw.random.randint(0, 120)))
    return head(draw, "MedicationStatement", day) | {
        "status": draw.random.choices(["completed", "stopped", "not-taken"], [80, 15, 5])[0],
        **drug(draw),
        "subject": reference(draw),
        "effectivePeriod": {"start": day.isoformat(), "end": last.isoformat()},
        "dateAsserted": draw.moment(last),
        "dosage": [dosage()],
    }


def medication_administration(draw: Draw) -> Resource:
    day = draw.day()
    amount = {"value": 500, "unit": "mg", "system": codes.UCUM, "code": "mg"}
    return head(draw, "MedicationAdministration", day) | {
        "status": draw.random.choices(["completed", "not-done"], [90, 10])[0],
        **drug(draw),
        "subject": reference(draw),
        "effectiveDateTime": draw.moment(day),
        "dosage": {"text": "500 mg", "dose": amount},
    }


def procedure(draw: Draw) -> Resource:
    day = draw.day()
    return head(draw, "Procedure", day) | {
        "status": "completed",
        "code": concept(draw.one(codes.PROCEDURES), "urn:oid:1.2.840.114350.1.13.0.1.7.2.696580"),
        "subject": reference(draw),
        "performedDateTime": draw.moment(day),
    }


def encounter(draw: Draw) -> Resource:
    day = draw.day()
    code, display = draw.one({True: (("IMP", "inpatient encounter"),), False: (("AMB", "ambulatory"),)})
    return head(draw, "Encounter", day) | {
        "status": "finished",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": code,
            "display": display,
        },
        "type": [{"text": "Office visit"}],
        "subject": reference(draw),
        "period": {"start": draw.moment(day), "end": draw.moment(day)},
    }


def immunization(draw: Draw) -> Resource:
    day = draw.day()
    return head(draw, "Immunization", day) | {
        "status": "completed",
        "vaccineCode": concept(draw.one(codes.VACCINES), "urn:oid:1.2.840.114350.1.13.0.1.7.2.768076"),
        "patient": reference(draw),
        "occurrenceDateTime": draw.moment(day),
        "primarySource": True,
    }


MAKERS: dict[str, Callable[[Draw], Resource]] = {
    "Condition": condition,
    "Observation": observation,
    "MedicationRequest": medication_request,
    "MedicationStatement": medication_statement,
    "MedicationAdministration": medication_administration,
    "Procedure": procedure,
    "Encounter": encounter,
    "Immunization": immunization,
}
