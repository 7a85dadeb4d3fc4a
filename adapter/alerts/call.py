"""What an EHR sends to a CDS Hooks service, checked. Source: CDS Hooks 2.0, "Calling a CDS Service"."""

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from adapter.errors import AdapterError

PATIENT_VIEW, ENCOUNTER_START = "patient-view", "encounter-start"
ORDER_SELECT, ORDER_SIGN = "order-select", "order-sign"
ORDERS = (ORDER_SELECT, ORDER_SIGN)
HOOKS = (PATIENT_VIEW, ENCOUNTER_START, *ORDERS)
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
T = TypeVar("T")


class CallError(AdapterError):
    """A call that is not answered with cards: `status` is that of the response. No word of a patient is in its text."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(told)
        self.status = status


class Authorization(msgspec.Struct, frozen=True):
    """The token with which the EHR lets its FHIR server be read."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    subject: str
    patient: str | None = None


class Context(msgspec.Struct, frozen=True, rename="camel"):
    """What the user is looking at or about to order."""

    user_id: str
    patient_id: str
    encounter_id: str | None = None
    selections: tuple[str, ...] = ()
    draft_orders: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)

    @property
    def patient(self) -> str:
        """The reference of the patient."""
        return f"Patient/{self.patient_id}"


class Call(msgspec.Struct, frozen=True, rename="camel"):
    """One call of a service."""

    hook: str
    hook_instance: str
    context: Context
    fhir_server: str | None = None
    fhir_authorization: Authorization | None = None
    prefetch: Mapping[str, msgspec.Raw] | None = None


class Reason(msgspec.Struct, frozen=True, rename="camel"):
    """Why a card was overridden: a code of ours or the EHR's. What the user wrote himself is not read."""

    code: str = ""


class Override(msgspec.Struct, frozen=True):
    """The reason that the user chose."""

    reason: Reason = Reason()


class Suggested(msgspec.Struct, frozen=True):
    """A suggestion that was taken."""

    id: str = ""


class Answer(msgspec.Struct, frozen=True, rename="camel"):
    """What a user made of a card."""

    card: str
    outcome: str
    outcome_timestamp: str = ""
    override_reason: Override | None = None
    accepted_suggestions: tuple[Suggested, ...] = ()


class Feedback(msgspec.Struct, frozen=True):
    """What a feedback endpoint gets."""

    feedback: tuple[Answer, ...]


def read_call(data: bytes, hook: str) -> Call:
    """The call of a service of this hook. Raises CallError, 400, for what is none."""
    call = _decoded(data, Call)
    if call.hook != hook:
        raise CallError(400, f"this service answers the hook {hook}; call the service of yours")
    if not call.hook_instance or len(call.hook_instance) > 100:
        raise CallError(400, "hookInstance must be a UUID")
    if not _ID.fullmatch(call.context.patient_id):
        raise CallError(400, "context.patientId must be the id of a Patient, without a type")
    token = call.fhir_authorization
    if token and token.patient and token.patient.removeprefix("Patient/") != call.context.patient_id:
        raise CallError(400, "fhirAuthorization.patient is not the patient of the context")
    if hook in ORDERS and not call.context.draft_orders:
        raise CallError(400, "context.draftOrders is missing: a Bundle of the draft orders")
    return call


def read_feedback(data: bytes) -> Feedback:
    """What users answered. Raises CallError, 400, for what is none."""
    found = _decoded(data, Feedback)
    for one in found.feedback:
        if one.outcome not in ("accepted", "overridden"):
            raise CallError(400, "feedback.outcome must be accepted or overridden")
    return found


def _decoded(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise CallError(400, f"not what CDS Hooks 2.0 sends: {error}") from None
    except RecursionError:
        raise CallError(400, "too many levels of nesting") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise CallError(400, "not valid JSON") from None
