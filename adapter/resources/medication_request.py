"""MedicationRequest: one course, status draft, intent plan; the dose is exact and shows its calculation. FHIR R4."""

from collections.abc import Iterator, Mapping

from adapter.assignment.courses import PlannedCourse
from adapter.assignment.gate import Approved
from adapter.eligibility.trial import Trial
from adapter.resources import names
from adapter.resources.dosing import NO_ORDER, calculation, course_sentence, dosage
from adapter.resources.shape import URI, Resource, built, is_untouched, narrative, reference, sealed, subject_uuid


def request_key(trial: str, patient: str, number: int) -> str:
    """The reference of the request for the course of a number."""
    return f"MedicationRequest/{subject_uuid(trial, patient, f'course-{number}')}"


def medication_requests(trial: Trial, approved: Approved) -> Iterator[Resource]:
    """One request a course, all of one group."""
    for course in approved.courses:
        yield _request(trial, approved, course)


def surplus_requests(trial: Trial, approved: Approved, held: Mapping[str, Resource]) -> Iterator[Resource]:
    """Requests of courses beyond those that are planned now: cancelled, so that no draft of them can be ordered.

    One that a person has edited is his.
    """
    number = len(approved.courses) + 1
    while before := held.get(request_key(trial.id, approved.patient, number)):
        if is_untouched(before) and before.get("status") in ("draft", "cancelled"):
            own = {k: v for k, v in before.items() if k not in ("extension", "text")}
            told = narrative(["Cancelled: this course is no longer planned."])
            yield sealed(own | {"text": told, "status": "cancelled", "statusReason": {"text": "no longer planned"}})
        number += 1


def _request(trial: Trial, approved: Approved, course: PlannedCourse) -> Resource:
    treatment, weight, patient = approved.arm.treatment, approved.weight, approved.patient
    definition = names.canonical(names.activity_definition(trial, approved.arm), approved.arm.version)
    supporting = [reference(weight.source.reference)] if weight else None
    told = calculation(treatment, weight)
    instruction = course_sentence(treatment, weight, course, len(approved.courses))
    resource = built(
        "MedicationRequest",
        request_key(trial.id, patient, course.number).partition("/")[2],
        "trial-medication-request",
        {
            "text": narrative([NO_ORDER, f"{treatment.title}. {instruction}."]),
            "status": "draft",
            "intent": "plan",
            "medicationCodeableConcept": treatment.medication,
            "subject": reference(patient),
            "supportingInformation": supporting,
            "authoredOn": approved.assignment.instant,
            "instantiatesCanonical": [definition],
            "basedOn": [reference(f"CarePlan/{subject_uuid(trial.id, patient, 'plan')}")],
            "groupIdentifier": {"system": URI, "value": f"urn:uuid:{subject_uuid(trial.id, patient, 'courses')}"},
            "note": [{"text": told}] if told else None,
            "dosageInstruction": [dosage(approved.arm, weight, course, len(approved.courses))],
        },
    )
    return sealed(resource)
