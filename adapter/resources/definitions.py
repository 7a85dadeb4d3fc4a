"""PlanDefinition and ActivityDefinition of an arm. FHIR R4; every number is the arm file's."""

from decimal import Decimal

from adapter.assignment.arms import Arm, Treatment
from adapter.eligibility.trial import Trial
from adapter.fhir.systems import BASE
from adapter.resources import names
from adapter.resources.dosing import route_and_instruction, timing
from adapter.resources.shape import Resource, built, coded, quantity

_PLAN_TYPE = "http://terminology.hl7.org/CodeSystem/plan-definition-type"


def plan_definition(trial: Trial, arm: Arm) -> Resource:
    """What a patient of the arm receives; how many courses is left to the reading that it names."""
    key, treatment = names.plan_definition(trial, arm), arm.treatment
    return built(
        "PlanDefinition",
        key.partition("/")[2],
        "trial-plan-definition",
        {
            "url": f"{BASE}/{key}",
            "version": arm.version,
            "name": _name(arm),
            "title": f"{arm.name}: {treatment.title}",
            "type": coded(_PLAN_TYPE, "clinical-protocol", "Clinical Protocol"),
            "status": "active",
            "experimental": False,
            "description": arm.sentence,
            "action": [
                {
                    "id": treatment.course.name,
                    "title": f"{treatment.course.name.capitalize()}: {treatment.title}",
                    "description": arm.sentence,
                    "textEquivalent": _courses_text(treatment),
                    "timingTiming": timing(treatment.course),
                    "definitionCanonical": names.canonical(names.activity_definition(trial, arm), arm.version),
                }
            ],
        },
    )


def activity_definition(trial: Trial, arm: Arm) -> Resource:
    """One course of the arm's product."""
    key, treatment = names.activity_definition(trial, arm), arm.treatment
    dose = treatment.dose
    per_kg = (f"{dose.code}/kg", f"{dose.unit}/kg") if dose.per_kg else (dose.code, dose.unit)
    return built(
        "ActivityDefinition",
        key.partition("/")[2],
        "trial-activity-definition",
        {
            "url": f"{BASE}/{key}",
            "version": arm.version,
            "name": _name(arm),
            "title": treatment.title,
            "status": "active",
            "experimental": False,
            "description": arm.sentence,
            "kind": "MedicationRequest",
            "intent": "plan",
            "timingTiming": timing(treatment.course),
            "productCodeableConcept": treatment.medication,
            "dosage": [
                {
                    "text": arm.sentence,
                    **route_and_instruction(treatment),
                    "doseAndRate": [{"doseQuantity": quantity(Decimal(dose.value), per_kg[1], per_kg[0])}],
                }
            ],
        },
    )


def _courses_text(treatment: Treatment) -> str:
    interval = treatment.courses.interval
    between = f", and the {interval.days} days between them as reading {interval.reading} says" if interval else ""
    return f"As many times as reading {treatment.courses.reading} says{between}."


def _name(arm: Arm) -> str:
    """A name that a program may use."""
    letters = "".join(character if character.isascii() and character.isalnum() else " " for character in arm.name)
    return "".join(word[:1].upper() + word[1:] for word in letters.split())
