"""What a source yields, in the order in which it was read."""

from dataclasses import dataclass

import msgspec

from adapter.errors import Issue
from adapter.fhir.elements import Resource


class Record(msgspec.Struct, frozen=True):
    """One decoded resource. (A msgspec struct, since it is made once for every resource: eight times cheaper.)

    `reference` is `Type/id`, or the fullUrl where there is no id, or, without either, a name made of the content.
    `subject` is the key of its patient (`Patient/id`, a urn:uuid, or `identifier:system|value`; a Patient's own
    reference), None for a Medication. `also` are other names under which references may mean this resource: its
    fullUrl, the `identifier:system|value` keys of a Patient or Medication.
    """

    type: str
    resource: Resource
    reference: str
    subject: str | None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A resource that could not be read. With a `subject`, its `type` is not covered for that patient.

    `type` is None where the text does not tell it.
    """

    issue: Issue
    type: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something about a record of this patient that was mended and used; it stands in his screening."""

    issue: Issue
    subject: str


@dataclass(frozen=True, slots=True)
class SamePatient:
    """Two keys that mean one patient: a record merged into another (`Patient.link` replaced-by or replaces)."""

    key: str
    survivor: str


@dataclass(frozen=True, slots=True)
class Covered:
    """The source declares that it gave everything of `types` (`*` for every type), of one patient or of all (None)."""

    types: frozenset[str]
    subject: str | None


@dataclass(frozen=True, slots=True)
class PatientDone:
    """Nothing more of this patient follows: he can be screened and forgotten.

    `subject` is one of his keys; of those that `SamePatient` or `Record.also` joined, only one is named.
    """

    subject: str


Event = Record | Unreadable | Noticed | SamePatient | Covered | PatientDone | Issue
