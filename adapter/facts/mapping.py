"""One resource -> its facts: the table of mappers, and what becomes of a resource that a mapper cannot read."""

from collections.abc import Iterator

from adapter.errors import Issue, UnreadableError
from adapter.facts.condition import condition_facts
from adapter.facts.medication import medication_facts
from adapter.facts.observation import observation_facts
from adapter.facts.person import consent_facts, patient_facts, questionnaire_facts
from adapter.facts.plan import appointment_facts, recommendation_facts, service_request_facts
from adapter.facts.procedure import encounter_facts, immunization_facts, procedure_facts
from adapter.facts.vocabulary import Item, Vocabulary
from adapter.fhir import elements as fhir
from adapter.fhir.elements import CodeableConcept, Resource


def facts_of(
    resource: Resource, reference: str, vocabulary: Vocabulary, medication: CodeableConcept | None = None
) -> tuple[Item, ...] | Issue:
    """The items of one resource; an Issue (error) where it cannot be read. `medication` is a followed medicationReference."""
    try:
        return tuple(_mapped(resource, reference, vocabulary, medication))
    except UnreadableError as error:
        return Issue("error", reference, error.path, f"{error.problem}; the {type(resource).__name__} was not used")


def _mapped(
    resource: Resource, reference: str, vocabulary: Vocabulary, medication: CodeableConcept | None
) -> Iterator[Item]:
    match resource:
        case fhir.Observation():
            return observation_facts(resource, reference, vocabulary)
        case fhir.Condition():
            return condition_facts(resource, reference, vocabulary)
        case (
            fhir.MedicationAdministration()
            | fhir.MedicationStatement()
            | fhir.MedicationDispense()
            | fhir.MedicationRequest()
        ):
            concept = resource.medication_codeable_concept or medication or CodeableConcept()
            return medication_facts(resource, concept, reference, vocabulary)
        case fhir.Procedure():
            return procedure_facts(resource, reference, vocabulary)
        case fhir.Encounter():
            return encounter_facts(resource, reference, vocabulary)
        case fhir.Immunization():
            return immunization_facts(resource, reference, vocabulary)
    return _mapped_rarer(resource, reference, vocabulary)


def _mapped_rarer(resource: Resource, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    match resource:
        case fhir.Patient():
            return patient_facts(resource, reference, vocabulary)
        case fhir.Consent():
            return consent_facts(resource, reference, vocabulary)
        case fhir.QuestionnaireResponse():
            return questionnaire_facts(resource, reference, vocabulary)
        case fhir.ServiceRequest():
            return service_request_facts(resource, reference, vocabulary)
        case fhir.Appointment():
            return appointment_facts(resource, reference, vocabulary)
        case fhir.ImmunizationRecommendation():
            return recommendation_facts(resource, reference, vocabulary)
    return iter(())
