"""CarePlan: the plan of one patient's arm, as a nurse reads it. A draft and a plan; a physician orders in the EHR."""

from adapter.assignment.gate import Approved
from adapter.eligibility.trial import Trial
from adapter.resources import names
from adapter.resources.dosing import calculation, course_lines, sentence
from adapter.resources.medication_request import request_key
from adapter.resources.research_subject import subject_key
from adapter.resources.shape import Resource, built, narrative, reference, sealed, subject_uuid

NO_ORDER = "A plan, not an order: nothing may be given before a physician has ordered it."


def plan_key(trial: Trial, patient: str) -> str:
    """The reference of the patient's CarePlan."""
    return f"CarePlan/{subject_uuid(trial.id, patient, 'plan')}"


def plan_lines(trial: Trial, approved: Approved) -> list[str]:
    """The plan in sentences, the title first."""
    treatment, weight = approved.arm.treatment, approved.weight
    told = calculation(treatment, weight)
    return [
        title(trial, approved),
        NO_ORDER,
        f"{treatment.title}: {sentence(treatment, weight)}.",
        *([f"{told} (weight: {weight.source.reference})."] if weight else []),
        *course_lines(treatment, approved.courses),
    ]


def title(trial: Trial, approved: Approved) -> str:
    """`MSCs group of ln-msc-il2`."""
    return f"{approved.arm.name} of {trial.id}"


def care_plan(trial: Trial, approved: Approved) -> Resource:
    """FHIR R4 CarePlan, status draft, intent plan."""
    weight = [reference(approved.weight.source.reference)] if approved.weight else []
    requests = [request_key(trial, approved.patient, course.number) for course in approved.courses]
    start = next((course.days[0] for course in approved.courses if course.days), approved.day)
    lines = plan_lines(trial, approved)
    resource = built(
        "CarePlan",
        plan_key(trial, approved.patient).partition("/")[2],
        "trial-care-plan",
        {
            "text": narrative(lines),
            "instantiatesCanonical": [
                names.canonical(names.plan_definition(trial, approved.arm), approved.arm.version)
            ],
            "status": "draft",
            "intent": "plan",
            "title": lines[0],
            "description": " ".join(lines[1:3]),
            "subject": reference(approved.patient),
            "period": {"start": start.isoformat()},
            "created": approved.assignment.instant,
            "author": reference(names.device(trial)),
            "supportingInfo": [reference(subject_key(trial, approved.patient)), *weight],
            "activity": [{"reference": reference(key)} for key in requests],
        },
    )
    return sealed(resource)
