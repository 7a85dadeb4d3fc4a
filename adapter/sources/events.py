"""What a source yields, in the order in which it was read."""

from dataclasses import dataclass

import msgspec

from adapter.errors import Issue
from adapter.fhir.elements import Resource


class Record(msgspec.Struct, frozen=True):
    """One decoded resource. (A msgspec struct, since it is made once for every resource: eight times cheaper.)

    `reference` is `Type/id`, or the fullUrl where there is no id. `subject` is the key of its patient (`Patient/id`, or a
    urn:uuid, or `identifier:system|value`), None for a Medication. `also` are other names under which references may
    mean this resource (its fullUrl, a Patient's `identifier:system|value` keys).
    """

    type: str
    resource: Resource
    reference: str
    subject: str | None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A resource that could not be read. With a `subject`, its `type` is not covered for that patient."""

    issue: Issue
    type: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class SamePatient:
    """Two keys that mean one patient: a merged record (`Patient.link` replaced-by), a fullUrl and an id."""

    key: str
    survivor: str


@dataclass(frozen=True, slots=True)
class Covered:
    """The source declares that it gave everything of `types` (`*` for every type), of one patient or of all (None)."""

    types: frozenset[str]
    subject: str | None


@dataclass(frozen=True, slots=True)
class PatientDone:
    """Nothing more of this patient follows: he can be screened and forgotten."""

    subject: str


Event = Record | Unreadable | SamePatient | Covered | PatientDone | Issue
