"""What an EHR discovers: one service a hook, and the prefetch that the criteria need. Pure.

Source: CDS Hooks 2.0, "Discovery", and its subset of prefetch queries: a read by id, a search by patient.
"""

from collections.abc import Sequence

from adapter.alerts.call import ENCOUNTER_START, HOOKS, ORDER_SELECT, ORDER_SIGN, PATIENT_VIEW
from adapter.eligibility.trial import Trial

_TOLD = {
    PATIENT_VIEW: "Says once whether the patient may fit the trial, and what is missing.",
    ENCOUNTER_START: "Says once, at the beginning of an encounter, whether the patient may fit the trial.",
    ORDER_SELECT: "Says which criterion of the trial a selected draft order would decide against a candidate.",
    ORDER_SIGN: "Says which criterion of the trial the draft orders would decide against a candidate.",
}


def service_id(trial: str, hook: str) -> str:
    """The name of a service in its URL."""
    return f"{trial}-{hook}"


def hook_of(trial: str, service: str) -> str | None:
    """The hook that a service answers; None where there is no such service."""
    return next((hook for hook in HOOKS if service_id(trial, hook) == service), None)


def prefetch_key(type_: str) -> str:
    """The key under which the resources of a type arrive: `medicationRequest`."""
    return type_[0].lower() + type_[1:]


def template(type_: str) -> str:
    """Everything of a type of the patient. Without a code filter: local codes are what it would miss."""
    return "Patient/{{context.patientId}}" if type_ == "Patient" else f"{type_}?patient={{{{context.patientId}}}}"


def discovery(trial: Trial, types: Sequence[str]) -> dict[str, object]:
    """The answer to `GET /cds-services`. `types` are the resource types that the criteria read."""
    prefetch = {prefetch_key(type_): template(type_) for type_ in types}
    services = [
        {
            "hook": hook,
            "title": trial.title,
            "description": _TOLD[hook],
            "id": service_id(trial.id, hook),
            "prefetch": prefetch,
            "usageRequirements": "What a prefetch lacks is fetched with fhirAuthorization, or known from a sync.",
        }
        for hook in HOOKS
    ]
    return {"services": services}
