"""What the resources of a study are called: ids and canonical URLs. None holds anything of a patient."""

from adapter.assignment.arms import Arm
from adapter.eligibility.trial import Trial
from adapter.fhir.systems import BASE
from adapter.resources.shape import study_uuid

CANDIDATES = "candidates"


def research_study(trial: Trial) -> str:
    """The reference of the ResearchStudy."""
    return f"ResearchStudy/{trial.id}"


def group(trial: Trial) -> str:
    """The reference of the Group that holds the criteria."""
    return f"Group/{trial.id}-eligibility"


def plan_definition(trial: Trial, arm: Arm) -> str:
    """The reference of an arm's PlanDefinition."""
    return f"PlanDefinition/{trial.id}-{arm.treatment.id}"


def activity_definition(trial: Trial, arm: Arm) -> str:
    """The reference of the ActivityDefinition of an arm's treatment."""
    return f"ActivityDefinition/{trial.id}-{arm.treatment.id}"


def canonical(key: str, version: str) -> str:
    """`url|version` of a definition."""
    return f"{BASE}/{key}|{version}"


def device(trial: Trial) -> str:
    """The reference of the Device that stands for this program."""
    return f"Device/{study_uuid(trial.id, 'device')}"


def candidates(trial: Trial) -> str:
    """The reference of the List of candidates."""
    return f"List/{study_uuid(trial.id, CANDIDATES)}"
