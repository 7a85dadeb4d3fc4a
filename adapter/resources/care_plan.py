"""CarePlan: the plan of one patient's arm, as a nurse reads it. A draft and a plan; a physician orders in the EHR."""

from adapter.assignment.gate import Approved
from adapter.eligibility.trial import Trial
from adapter.resources import names
from adapter.resources.dosing import NO_ORDER, calculation, course_lines, interval_text, sentence
from adapter.resources.medication_request import request_key
from adapter.resources.research_subject import subject_key
from adapter.resources.shape import Resource, built, narrative, reference, sealed, subject_uuid


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
        f"{sentence(treatment, weight)}.",
        *([f"{told} (the measured weight is referred to)."] if weight else []),
        *course_lines(treatment, approved.courses),
        *([interval_text(treatment, trial.readings)] if len(approved.courses) > 1 else []),
    ]


def title(trial: Trial, approved: Approved) -> str:
    """`MSCs group: Human umbilical cord mesenchymal stem cells (ln-msc-il2)`."""
    return f"{approved.arm.name}: {approved.arm.treatment.title} ({trial.id})"


def care_plan(trial: Trial, approved: Approved) -> Resource:
    """FHIR R4 CarePlan, status draft, intent plan."""
    weight = [reference(approved.weight.source.reference)] if approved.weight else []
    requests = [request_key(trial.id, approved.patient, course.number) for course in approved.courses]
    days = [day for course in approved.courses for day in course.days]
    period = {"start": (days[0] if days else approved.day).isoformat()}
    if days and all(course.days for course in approved.courses):
        period["end"] = days[-1].isoformat()
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
            "period": period,
            "created": approved.assignment.instant,
            "author": reference(names.device(trial)),
            "supportingInfo": [reference(subject_key(trial, approved.patient)), *weight],
            "activity": [{"reference": reference(key)} for key in requests],
        },
    )
    return sealed(resource)
