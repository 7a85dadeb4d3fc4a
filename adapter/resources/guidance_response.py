"""GuidanceResponse: what is missing before a patient's eligibility is known, a dataRequirement each. FHIR R4."""

from adapter.eligibility.parts import facts_of, parts_of
from adapter.eligibility.predicates.person import Age, ConsentGiven
from adapter.eligibility.screening import Screening, Verdict
from adapter.eligibility.trial import Trial
from adapter.facts.model import Reason
from adapter.fhir.dates import day_text
from adapter.resources import names
from adapter.resources.shape import Resource, built, reference, subject_uuid

_PREFERRED = ("Observation", "Condition", "MedicationStatement", "Procedure", "Immunization")


def guidance_response(trial: Trial, screening: Screening) -> Resource:
    """`data-required` while a criterion is open, then `success`. A requirement's element id is the criterion's id."""
    return built(
        "GuidanceResponse",
        subject_uuid(trial.id, screening.patient, "missing"),
        "trial-guidance-response",
        {
            "moduleUri": trial.study.canonical,
            "status": "data-required" if screening.open else "success",
            "subject": reference(screening.patient),
            "occurrenceDateTime": day_text(screening.as_of),
            "performer": reference(names.device(trial)),
            "note": [{"text": _note(verdict)} for verdict in screening.open],
            "dataRequirement": [_requirement(trial, screening, verdict) for verdict in screening.open],
        },
    )


def _note(verdict: Verdict) -> str:
    """The criterion and why it is open; the words of a record stay in the record."""
    return f"{verdict.criterion.id} ({verdict.finding.reason}): {verdict.criterion.title}"


def _requirement(trial: Trial, screening: Screening, verdict: Verdict) -> Resource:
    return {"id": verdict.criterion.id, "type": _type(trial, screening, verdict)}


def _type(trial: Trial, screening: Screening, verdict: Verdict) -> str:
    """The resource type that would tell; what a person must judge is asked by the trial's Questionnaire."""
    holds = verdict.criterion.holds
    silent = verdict.finding.reason == Reason.NOT_COVERED.value
    read = screening.record.covered
    asked = (type_ for part in parts_of(holds) for type_ in getattr(part, "types", ()))
    if silent and (unread := [type_ for type_ in asked if not {type_, "*"} & read]):
        return str(unread[0])
    if isinstance(holds, Age):
        return "Patient"
    if isinstance(holds, ConsentGiven):
        return "Consent"
    wanted = facts_of(verdict.criterion, trial)
    types = {type_ for spec in trial.tables.terminology.specs if spec.name in wanted for type_ in spec.sources}
    if verdict.finding.reason == Reason.NEEDS_JUDGEMENT.value or not types:
        return "QuestionnaireResponse"
    return next((kind for kind in _PREFERRED if kind in types), min(types))
