"""Bytes of one FHIR R4 resource -> its type and its typed struct.

The fast path is one anchored look at `resourceType` and one msgspec decoder per type. Whatever it refuses or
finds suspicious goes to `adapter.fhir.repair`, which mends what can be mended and names what cannot.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from adapter.errors import UnreadableError
from adapter.fhir.elements import MEDICATION_TYPES, READ, Resource
from adapter.fhir.numbers import has_numbers, suspicious_numbers
from adapter.fhir.repair import Repair, repaired

_R4_NAMES = """
    Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent
    Basic Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam
    CatalogEntry ChargeItem ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem
    Communication CommunicationRequest CompartmentDefinition Composition ConceptMap Condition Consent
    Contract Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device
    DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest
    DocumentReference EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse
    EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
    FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy
    Immunization ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan
    Invoice Library Linkage List Location Measure MeasureReport Media Medication MedicationAdministration
    MedicationDispense MedicationKnowledge MedicationRequest MedicationStatement MedicinalProduct
    MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductIndication
    MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured
    MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect
    MessageDefinition MessageHeader MolecularSequence NamingSystem NutritionOrder Observation
    ObservationDefinition OperationDefinition OperationOutcome Organization OrganizationAffiliation
    Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition Practitioner
    PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup
    ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment
    RiskEvidenceSynthesis Schedule SearchParameter ServiceRequest Slot Specimen SpecimenDefinition
    StructureDefinition StructureMap Subscription Substance SubstanceNucleicAcid SubstancePolymer
    SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification
    SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport TestScript ValueSet
    VerificationResult VisionPrescription
"""
R4_TYPES = frozenset(_R4_NAMES.split())
"""The resource types of FHIR R4 (4.0.1, hl7.org/fhir/R4/resourcelist.html)."""

FOREIGN_TYPES = R4_TYPES - READ.keys()
"""Valid types that say nothing here."""

_CANONICAL = {name.casefold(): name for name in R4_TYPES}
_NOT_BRACES = bytes(set(range(256)) - set(b"{}"))
_TYPE_FIRST = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"')
_STRING_OR_BRACE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}]', re.DOTALL)

Decoded = tuple[str, Resource | None, tuple[Repair, ...]]
"""The resource type, the struct (None for a type that is not read), and path and problem of what was mended."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused as too large, in bytes and levels. `resource` also bounds a line, `document` a JSON file.

    `depth` counts objects inside objects.
    """

    resource: int = 64 << 20
    document: int = 1 << 30
    depth: int = 64


class _Head(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    resource_type: str | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """How one type is read, and the fields of which one must be there (`needs` is their FHIR name)."""

    name: str
    struct: type[Resource]
    decode: Callable[[bytes], Resource]
    numbers: bool
    periods: bool
    fields: tuple[str, ...]
    needs: str


def _needed(name: str) -> tuple[tuple[str, ...], str]:
    if name in MEDICATION_TYPES:
        return ("medication_codeable_concept", "medication_reference"), "medication[x]"
    if name == "Immunization":
        return ("vaccine_code",), "vaccineCode"
    return (("code",), "code") if name in ("Condition", "Observation", "Procedure") else ((), "")


def _reading(name: str, struct: type[Resource]) -> _Reading:
    read = msgspec.json.Decoder(struct).decode
    return _Reading(name, struct, read, has_numbers(struct), name in MEDICATION_TYPES, *_needed(name))


_READINGS = {name.encode(): _reading(name, struct) for name, struct in READ.items()}
_read_head = msgspec.json.Decoder(_Head).decode
_DEFAULT = Limits()


def decode(data: bytes, limits: Limits = _DEFAULT) -> Decoded:
    """One resource. Raises UnreadableError with the element's path for what cannot be read.

    A Bundle comes back undecoded, like a type that is not read, and is not measured: its resources are.
    """
    found = _TYPE_FIRST.match(data)
    name = found[1] if found else _type_anywhere(data, limits)
    if name == b"Bundle":
        return "Bundle", None, ()
    if len(data) > limits.resource:
        raise UnreadableError("", f"larger than {limits.resource >> 20} MiB")
    if data.count(b"{") > limits.depth and is_deeper(data, limits.depth):
        raise UnreadableError("", f"nested deeper than {limits.depth} levels")
    reading = _READINGS.get(name)
    return _decode_as(reading, data) if reading else _foreign(name, data)


def _decode_as(reading: _Reading, data: bytes) -> Decoded:
    notes: tuple[Repair, ...] = ()
    try:
        resource = reading.decode(data)
        mend = reading.numbers and suspicious_numbers(resource, data, reading.periods)
    except (ValueError, RecursionError):  # msgspec's errors and UnicodeDecodeError are ValueErrors
        mend = True
    if mend:
        resource, notes = repaired(data, reading.struct)
    for field in reading.fields:
        if getattr(resource, field) is not None:
            break
    else:
        if reading.fields:
            raise UnreadableError(reading.needs, f"missing; without it this {reading.name} says nothing")
    return reading.name, resource, notes


def _type_anywhere(data: bytes, limits: Limits) -> bytes:
    """The value of `resourceType` where it is not the first member."""
    name = _head(data).resource_type if len(data) <= limits.document else None
    if not name:
        raise UnreadableError("resourceType", "missing: not a FHIR resource")
    return name.encode()


def _foreign(name: bytes, data: bytes) -> Decoded:
    """A type that is not read, of which only the JSON is checked."""
    kind = name.decode()
    if kind not in R4_TYPES:
        raise UnreadableError("resourceType", f"{kind!r} is no FHIR R4 resource type")
    _head(data)
    return kind, None, ()


def _head(data: bytes) -> _Head:
    try:
        return _read_head(data)
    except (ValueError, RecursionError):
        return repaired(data, _Head)[0]


def type_at_start(data: bytes | msgspec.Raw) -> str | None:
    """The resource type where it is the first member, as nearly every server writes it; else None."""
    found = _TYPE_FIRST.match(data)
    return found[1].decode() if found else None


def meant_type(name: str) -> str:
    """The R4 type that a name in the wrong case means; any other name as it is."""
    return _CANONICAL.get(name.casefold(), name)


def is_deeper(data: bytes, limit: int) -> bool:
    """Whether objects nest deeper than `limit`. (In FHIR an array never stands directly in an array.)

    Strips one level of empty pairs at a time; n braces that are left cannot nest deeper than n/2. Braces inside
    strings can only overstate that, so a suspicion is confirmed without them.
    """
    braces = data.translate(None, _NOT_BRACES)
    for stripped in range(limit):
        if len(braces) <= 2 * (limit - stripped):
            return False
        braces = braces.replace(b"{}", b"")
    return _depth(data) > limit


def _depth(data: bytes) -> int:
    depth = deepest = 0
    for token in _STRING_OR_BRACE.finditer(data):
        match token[0]:
            case b"{":
                depth += 1
                deepest = max(deepest, depth)
            case b"}":
                depth -= 1
    return deepest
