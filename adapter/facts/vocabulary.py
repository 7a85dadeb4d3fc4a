"""What a mapper needs to know besides the resource: the tables, the site's calendar, and what names the study."""

from dataclasses import dataclass, field

from adapter.errors import Issue
from adapter.facts.model import RANK, Consented, Course, Enrolment, Fact, Person, Reason, Source, Use
from adapter.fhir.concepts import in_order
from adapter.fhir.dates import Calendar, When
from adapter.fhir.elements import CodeableConcept, Resource
from adapter.fhir.quantities import Units
from adapter.fhir.terminology import Grade, Terminology

Item = Fact | Consented | Enrolment | Person | Issue
"""What a mapper may yield for one resource."""


@dataclass(frozen=True, slots=True)
class Study:
    """How records may name this study: consents by reference or policy URI, attestations by code system."""

    id: str
    attestation: str
    questionnaire: str
    names: frozenset[str] = field(default_factory=frozenset)
    canonical: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Passed to every mapper; never changes during a run."""

    terminology: Terminology
    units: Units
    calendar: Calendar
    study: Study


DOUBT = {
    Grade.REVIEW: Reason.NEEDS_JUDGEMENT,
    Grade.UNMAPPED: Reason.UNMAPPED_CODE,
    Grade.CONFLICT: Reason.CONFLICT,
}
"""Why a grade does not simply count."""


def status_of(value: str | None) -> str:
    """A status as FHIR writes it; a missing one reads as `unknown`."""
    return value.strip().lower() if value and value.strip() else "unknown"


def code_of(concept: CodeableConcept | None) -> str:
    """The one code of a status given as CodeableConcept (its text where nothing is coded); empty where absent."""
    if concept is None:
        return ""
    coded = [coding for coding in in_order(concept) if coding.code]
    standard = [coding for coding in coded if (coding.system or "").startswith("http://terminology.hl7.org/")]
    return next((c.code or "" for c in (*standard, *coded)), concept.text or "").strip().lower()


def version_of(resource: Resource) -> str | None:
    """The version that a fact was read from."""
    return resource.meta.version_id if resource.meta else None


def retracted(reference: str, path: str = "status") -> Issue:
    """The note that a resource marked entered-in-error was set aside."""
    return Issue("note", reference, path, "entered-in-error: dropped, not used anywhere")


def doubt_of(*reasons: Reason | None) -> Reason | None:
    """The foremost of several doubts."""
    told = [reason for reason in reasons if reason]
    return min(told, key=RANK.__getitem__) if told else None


def nameless(
    type_: str,
    when: When,
    source: Source,
    doubt: Reason | None = None,
    *,
    course: Course | None = None,
    use: Use | None = None,
) -> Fact:
    """A concept without any code that a table knows and without a name: it could be anything that its type proves."""
    both = doubt_of(Reason.UNMAPPED_CODE, doubt)
    name = "a record without a readable name"
    return Fact(f"nameless:{type_}", type_, Grade.UNMAPPED, when, name, source, both, course=course, use=use)
