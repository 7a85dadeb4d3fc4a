"""Everything that one assignment, one screening or one trial folder becomes, in the order in which it is written."""

from collections.abc import Sequence

from adapter.assignment.arms import Arms
from adapter.assignment.gate import Approved
from adapter.eligibility.screening import Screening
from adapter.eligibility.trial import Trial
from adapter.resources.care_plan import care_plan
from adapter.resources.definitions import activity_definition, plan_definition
from adapter.resources.guidance_response import guidance_response
from adapter.resources.medication_request import medication_requests
from adapter.resources.provenance import provenance
from adapter.resources.questionnaire import questionnaire
from adapter.resources.research_study import device, group, research_study, sites
from adapter.resources.research_subject import assigned_subject, screened_subject
from adapter.resources.shape import Resource


def study_resources(
    trial: Trial, arms: Arms, program: str, identifiers: Sequence[tuple[str, str]] = ()
) -> tuple[Resource, ...]:
    """The trial itself; what is referred to comes before what refers to it."""
    return (
        *sites(trial),
        device(trial, program),
        *(activity_definition(trial, arm) for arm in arms.all),
        *(plan_definition(trial, arm) for arm in arms.all),
        questionnaire(trial),
        group(trial),
        research_study(trial, arms, identifiers),
    )


def assignment_resources(trial: Trial, approved: Approved) -> tuple[Resource, ...]:
    """ResearchSubject, CarePlan, a MedicationRequest a course, and the Provenance of all. Pure: same in, same out."""
    written = (
        assigned_subject(trial, approved),
        care_plan(trial, approved),
        *medication_requests(trial, approved),
    )
    return (*written, provenance(trial, approved, written))


def screening_resources(trial: Trial, screening: Screening) -> tuple[Resource, ...]:
    """ResearchSubject with the status of the screening, and the GuidanceResponse of what is missing."""
    return (screened_subject(trial, screening), guidance_response(trial, screening))
