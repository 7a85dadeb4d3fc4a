"""One resource -> its facts: the table of mappers, and what becomes of a resource that a mapper cannot read."""

from collections.abc import Callable, Iterable

from adapter.errors import Issue, UnreadableError
from adapter.facts.condition import condition_facts
from adapter.facts.medication import MedicationRecord, medication_facts
from adapter.facts.observation import observation_facts
from adapter.facts.person import consent_facts, enrolments, patient_facts, questionnaire_facts
from adapter.facts.plan import appointment_facts, recommendation_facts, service_request_facts
from adapter.facts.procedure import encounter_facts, immunization_facts, procedure_facts
from adapter.facts.vocabulary import Item, Vocabulary
from adapter.fhir import elements as fhir
from adapter.fhir.elements import CodeableConcept, Resource

_Mapper = Callable[..., Iterable[Item]]

MAPPERS: dict[type[Resource], _Mapper] = {
    fhir.Patient: patient_facts,
    fhir.Observation: observation_facts,
    fhir.Condition: condition_facts,
    fhir.Procedure: procedure_facts,
    fhir.Encounter: encounter_facts,
    fhir.Immunization: immunization_facts,
    fhir.Consent: consent_facts,
    fhir.QuestionnaireResponse: questionnaire_facts,
    fhir.ResearchSubject: enrolments,
    fhir.ServiceRequest: service_request_facts,
    fhir.Appointment: appointment_facts,
    fhir.ImmunizationRecommendation: recommendation_facts,
}
"""Resource type -> the one mapper of it; the four medication types have `medication_facts`."""


def facts_of(
    resource: Resource, reference: str, vocabulary: Vocabulary, medication: CodeableConcept | None = None
) -> tuple[Item, ...] | Issue:
    """The items of one resource; an Issue (error) where it cannot be read. `medication` is a followed
    medicationReference.
    """
    try:
        mapper = MAPPERS.get(type(resource))
        if mapper is not None:
            return tuple(mapper(resource, reference, vocabulary))
        if isinstance(resource, MedicationRecord):
            concept = resource.medication_codeable_concept or medication or CodeableConcept()
            return tuple(medication_facts(resource, concept, reference, vocabulary))
        return ()
    except UnreadableError as error:
        return Issue("error", reference, error.path, f"{error.problem}; the {type(resource).__name__} was not used")
