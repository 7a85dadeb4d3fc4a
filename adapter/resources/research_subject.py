"""ResearchSubject: that a patient is screened for, or assigned in, a study. FHIR R4, status from its value set."""

from adapter.assignment.gate import Approved, allocation_system
from adapter.eligibility.screening import Screening
from adapter.eligibility.trial import Trial
from adapter.resources import names
from adapter.resources.shape import URI, Resource, Value, built, reference, sealed, subject_uuid

PROFILE = "trial-research-subject"
SCREENED = {"undetermined": "screening", "eligible": "eligible", "ineligible": "ineligible"}
"""The status that a screening may write; every status after an assignment belongs to people."""


def subject_key(trial: Trial, patient: str) -> str:
    """The reference of the patient's ResearchSubject."""
    return f"ResearchSubject/{subject_uuid(trial.id, patient, 'subject')}"


def assigned_subject(trial: Trial, approved: Approved) -> Resource:
    """`pending-on-study` in the assigned arm. `actualArm` is left to those who administer."""
    allocation: Value = {
        "system": allocation_system(trial.id),
        "value": approved.assignment.allocation_id,
    }
    return _subject(
        trial,
        approved.patient,
        [allocation],
        {
            "status": "pending-on-study",
            "period": {"start": approved.day.isoformat()},
            **_who(trial, approved.patient),
            "assignedArm": approved.arm.name,
            "consent": reference(approved.consent.source.reference),
        },
    )


def screened_subject(trial: Trial, screening: Screening) -> Resource:
    """The status of a screening."""
    status: dict[str, Value] = {"status": SCREENED[screening.status]}
    return _subject(trial, screening.patient, [], status | _who(trial, screening.patient))


def _who(trial: Trial, patient: str) -> dict[str, Value]:
    return {"study": reference(names.research_study(trial)), "individual": reference(patient)}


def _subject(trial: Trial, patient: str, more: list[Value], elements: dict[str, Value]) -> Resource:
    id_ = subject_key(trial, patient).partition("/")[2]
    own: Value = {"use": "official", "system": URI, "value": f"urn:uuid:{id_}"}
    return sealed(built("ResearchSubject", id_, PROFILE, {"identifier": [own, *more], **elements}))
