"""The few FHIR R4 elements that are read, as msgspec structs; everything else of a resource is skipped unparsed.

Names are FHIR's, in snake case (`value_quantity` is `valueQuantity`). Numbers are Decimal, taken from the text.
Every element may be absent: what a missing element means is decided by the mapper of its resource, not here.
"""

from decimal import Decimal

import msgspec


class Element(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Common settings of every struct below."""


class Coding(Element, frozen=True):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(Element, frozen=True):
    coding: tuple[Coding, ...] | None = None
    text: str | None = None


class Identifier(Element, frozen=True):
    system: str | None = None
    value: str | None = None


class Reference(Element, frozen=True):
    reference: str | None = None
    type: str | None = None
    identifier: Identifier | None = None
    display: str | None = None


class Period(Element, frozen=True):
    start: str | None = None
    end: str | None = None


class Quantity(Element, frozen=True):
    value: Decimal | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Range(Element, frozen=True):
    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Element, frozen=True):
    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Extension(Element, frozen=True):
    url: str | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_coding: Coding | None = None
    value_string: str | None = None
    value_code: str | None = None


class Meta(Element, frozen=True):
    version_id: str | None = None
    last_updated: str | None = None


class Repeat(Element, frozen=True):
    bounds_period: Period | None = None
    frequency: int | None = None
    frequency_max: int | None = None
    period: Decimal | None = None
    period_max: Decimal | None = None
    period_unit: str | None = None
    day_of_week: tuple[str, ...] | None = None
    time_of_day: tuple[str, ...] | None = None
    when: tuple[str, ...] | None = None


class Timing(Element, frozen=True):
    event: tuple[str, ...] | None = None
    repeat: Repeat | None = None
    code: CodeableConcept | None = None


class DoseAndRate(Element, frozen=True):
    dose_quantity: Quantity | None = None
    dose_range: Range | None = None


class Dosage(Element, frozen=True):
    text: str | None = None
    timing: Timing | None = None
    as_needed_boolean: bool | None = None
    as_needed_codeable_concept: CodeableConcept | None = None
    route: CodeableConcept | None = None
    dose_and_rate: tuple[DoseAndRate, ...] | None = None


class AdministrationDosage(Element, frozen=True):
    text: str | None = None
    route: CodeableConcept | None = None
    dose: Quantity | None = None


class ReferenceRange(Element, frozen=True):
    low: Quantity | None = None
    high: Quantity | None = None
    type: CodeableConcept | None = None


class Resource(Element, frozen=True):
    """What every resource has. `contained` stays raw: it is decoded only when a `#id` is followed."""

    id: str | None = None
    meta: Meta | None = None
    contained: tuple[msgspec.Raw, ...] | None = None


class Link(Element, frozen=True):
    other: Reference | None = None
    type: str | None = None


class Patient(Resource, frozen=True):
    identifier: tuple[Identifier, ...] | None = None
    gender: str | None = None
    birth_date: str | None = None
    link: tuple[Link, ...] | None = None


class Measured(Element, frozen=True):
    """value[x] of an Observation or of one of its components."""

    code: CodeableConcept | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_string: str | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_range: Range | None = None
    value_ratio: Ratio | None = None
    value_date_time: str | None = None
    value_time: str | None = None
    value_period: Period | None = None
    data_absent_reason: CodeableConcept | None = None
    interpretation: tuple[CodeableConcept, ...] | None = None
    reference_range: tuple[ReferenceRange, ...] | None = None


class Observation(Resource, frozen=True):
    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    effective_timing: Timing | None = None
    effective_instant: str | None = None
    issued: str | None = None
    performer: tuple[Reference, ...] | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_string: str | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_range: Range | None = None
    value_ratio: Ratio | None = None
    value_date_time: str | None = None
    value_time: str | None = None
    value_period: Period | None = None
    data_absent_reason: CodeableConcept | None = None
    interpretation: tuple[CodeableConcept, ...] | None = None
    specimen: Reference | None = None
    reference_range: tuple[ReferenceRange, ...] | None = None
    has_member: tuple[Reference, ...] | None = None
    derived_from: tuple[Reference, ...] | None = None
    component: tuple[Measured, ...] | None = None


class Condition(Resource, frozen=True):
    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    severity: CodeableConcept | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    onset_date_time: str | None = None
    onset_period: Period | None = None
    abatement_date_time: str | None = None
    abatement_period: Period | None = None
    abatement_age: Quantity | None = None
    abatement_range: Range | None = None
    abatement_string: str | None = None
    recorded_date: str | None = None


class Procedure(Resource, frozen=True):
    extension: tuple[Extension, ...] | None = None
    status: str | None = None
    category: CodeableConcept | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None
    performed_string: str | None = None
    reason_reference: tuple[Reference, ...] | None = None


class Medication(Resource, frozen=True):
    code: CodeableConcept | None = None
    form: CodeableConcept | None = None


class MedicationAdministration(Resource, frozen=True):
    status: str | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    reason_code: tuple[CodeableConcept, ...] | None = None
    reason_reference: tuple[Reference, ...] | None = None
    dosage: AdministrationDosage | None = None


class MedicationStatement(Resource, frozen=True):
    status: str | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    date_asserted: str | None = None
    reason_code: tuple[CodeableConcept, ...] | None = None
    reason_reference: tuple[Reference, ...] | None = None
    dosage: tuple[Dosage, ...] | None = None


class MedicationDispense(Resource, frozen=True):
    status: str | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Reference | None = None
    days_supply: Quantity | None = None
    when_handed_over: str | None = None
    dosage_instruction: tuple[Dosage, ...] | None = None


class MedicationRequest(Resource, frozen=True):
    status: str | None = None
    intent: str | None = None
    do_not_perform: bool | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Reference | None = None
    authored_on: str | None = None
    reason_code: tuple[CodeableConcept, ...] | None = None
    reason_reference: tuple[Reference, ...] | None = None
    dosage_instruction: tuple[Dosage, ...] | None = None


class Immunization(Resource, frozen=True):
    status: str | None = None
    vaccine_code: CodeableConcept | None = None
    patient: Reference | None = None
    occurrence_date_time: str | None = None
    occurrence_string: str | None = None
    recorded: str | None = None


class Recommendation(Element, frozen=True):
    vaccine_code: tuple[CodeableConcept, ...] | None = None
    forecast_status: CodeableConcept | None = None


class ImmunizationRecommendation(Resource, frozen=True):
    patient: Reference | None = None
    date: str | None = None
    recommendation: tuple[Recommendation, ...] | None = None


class EncounterDiagnosis(Element, frozen=True):
    condition: Reference | None = None


class Encounter(Resource, frozen=True):
    status: str | None = None
    encounter_class: Coding | None = msgspec.field(default=None, name="class")
    subject: Reference | None = None
    period: Period | None = None
    reason_code: tuple[CodeableConcept, ...] | None = None
    reason_reference: tuple[Reference, ...] | None = None
    diagnosis: tuple[EncounterDiagnosis, ...] | None = None


class ServiceRequest(Resource, frozen=True):
    status: str | None = None
    intent: str | None = None
    do_not_perform: bool | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    occurrence_date_time: str | None = None
    occurrence_period: Period | None = None
    authored_on: str | None = None


class Participant(Element, frozen=True):
    actor: Reference | None = None


class Appointment(Resource, frozen=True):
    status: str | None = None
    service_type: tuple[CodeableConcept, ...] | None = None
    reason_code: tuple[CodeableConcept, ...] | None = None
    start: str | None = None
    participant: tuple[Participant, ...] | None = None


class ConsentPolicy(Element, frozen=True):
    uri: str | None = None


class ConsentVerification(Element, frozen=True):
    verified: bool | None = None
    verification_date: str | None = None


class ConsentData(Element, frozen=True):
    reference: Reference | None = None


class Provision(Element, frozen=True):
    type: str | None = None
    period: Period | None = None
    data: tuple[ConsentData, ...] | None = None
    provision: tuple["Provision", ...] | None = None


class Consent(Resource, frozen=True):
    status: str | None = None
    scope: CodeableConcept | None = None
    patient: Reference | None = None
    date_time: str | None = None
    policy: tuple[ConsentPolicy, ...] | None = None
    verification: tuple[ConsentVerification, ...] | None = None
    provision: Provision | None = None


class Answer(Element, frozen=True):
    value_boolean: bool | None = None
    item: tuple["Item", ...] | None = None


class Item(Element, frozen=True):
    link_id: str | None = None
    answer: tuple[Answer, ...] | None = None
    item: tuple["Item", ...] | None = None


class QuestionnaireResponse(Resource, frozen=True):
    questionnaire: str | None = None
    status: str | None = None
    subject: Reference | None = None
    authored: str | None = None
    author: Reference | None = None
    item: tuple[Item, ...] | None = None


class ResearchSubject(Resource, frozen=True):
    identifier: tuple[Identifier, ...] | None = None
    status: str | None = None
    study: Reference | None = None
    individual: Reference | None = None
    assigned_arm: str | None = None
    actual_arm: str | None = None


Clinical = (
    Observation
    | Condition
    | Procedure
    | MedicationAdministration
    | MedicationStatement
    | MedicationDispense
    | MedicationRequest
    | Immunization
    | ImmunizationRecommendation
    | Encounter
    | ServiceRequest
    | Appointment
    | Consent
    | QuestionnaireResponse
    | ResearchSubject
)
"""A resource that says something about one patient."""

READ: dict[str, type[Resource]] = {
    struct.__name__: struct
    for struct in (
        Patient,
        Medication,
        Observation,
        Condition,
        Procedure,
        MedicationAdministration,
        MedicationStatement,
        MedicationDispense,
        MedicationRequest,
        Immunization,
        ImmunizationRecommendation,
        Encounter,
        ServiceRequest,
        Appointment,
        Consent,
        QuestionnaireResponse,
        ResearchSubject,
    )
}
"""Resource types that are read; every other valid R4 type is skipped in silence."""

MEDICATION_TYPES = ("MedicationAdministration", "MedicationStatement", "MedicationDispense", "MedicationRequest")
