"""Small functions that make valid FHIR R4 resources, as plain JSON objects.

Everything here is deterministic: a resource gets the id that it is given, or one derived from its content, so
the same call makes the same bytes wherever it stands. Numbers are written as text (``"1.2"``) and kept as
``Decimal``; ``as_json`` writes them back digit by digit.

A moment (``on=``) is a FHIR date or dateTime of any precision (``"2026-05"``), a pair ``(start, end)`` for a
Period (``None`` is an open end), or ``None`` for a resource without that element. Whatever a builder has no
argument for is added with ``also(resource, element=value)``; ``None`` takes an element away.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

Json = dict[str, object]
Number = str | int | Decimal
Moment = str | tuple[str | None, str | None] | None

BASE = "https://trial-adapter.example/fhir"
TRIAL = "ln-msc-il2"
STUDY = f"{BASE}/ResearchStudy/{TRIAL}"
QUESTIONNAIRE = f"{BASE}/Questionnaire/{TRIAL}"
PATIENT = "Patient/p1"
DOCTOR = "Practitioner/dr1"

SYSTEMS = {
    "snomed": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "icd10": "http://hl7.org/fhir/sid/icd-10",
    "icd10cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "icd10pcs": "http://www.cms.gov/Medicare/Coding/ICD10",
    "icd9cm": "http://hl7.org/fhir/sid/icd-9-cm",
    "icdo3": "http://terminology.hl7.org/CodeSystem/icd-o-3",
    "atc": "http://www.whocc.no/atc",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "cvx": "http://hl7.org/fhir/sid/cvx",
    "cpt": "http://www.ama-assn.org/go/cpt",
    "ucum": "http://unitsofmeasure.org",
    "act": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "null": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
    "absent": "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    "route": "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration",
    "interpretation": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "timing": "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation",
    "clinical": "http://terminology.hl7.org/CodeSystem/condition-clinical",
    "verification": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    "consentscope": "http://terminology.hl7.org/CodeSystem/consentscope",
    "instruments": f"{BASE}/CodeSystem/instruments",
    "attestation": f"{BASE}/CodeSystem/attestation",
    "terms": f"{BASE}/CodeSystem/terms",
    "local": "http://hospital.example/codes",
}
"""Short names of the code systems; a name that is not here is used as the URI itself."""

SURGICAL_LEVEL = "http://hl7.org.cn/fhir/StructureDefinition/ext-surgical-level"

_numbers = msgspec.json.Encoder(decimal_format="number", order="sorted")


# --- concepts, quantities, references


def coding(system: str | None, value: str | None, display: str | None = None) -> Json:
    """One Coding: ``coding("snomed", "68815009")``."""
    uri = SYSTEMS.get(system, system) if system is not None else None
    return _kept({"system": uri, "code": value, "display": display})


def code(system: str | None, value: str | None, display: str | None = None, text: str | None = None) -> Json:
    """A CodeableConcept of one coding."""
    return _kept({"coding": [coding(system, value, display)], "text": text})


def codes(*codings: tuple[str, str] | tuple[str, str, str], text: str | None = None) -> Json:
    """A CodeableConcept of several codings: ``codes(("icd10", "M32.1"), ("icd10", "N08.5"))``."""
    return _kept({"coding": [coding(*one) for one in codings], "text": text})


def words(text: str) -> Json:
    """A CodeableConcept that has only a text."""
    return {"text": text}


def loinc(value: str, display: str | None = None) -> Json:
    return code("loinc", value, display)


def instrument(value: str) -> Json:
    """A code of our own ``instruments`` system, such as ``sledai-2k-total``."""
    return code("instruments", value)


def route(value: str) -> Json:
    """A route of administration: a v3 code (``IV``, ``PO``), else a text (``静滴``)."""
    return code("route", value) if value.isascii() and value.isupper() else words(value)


def quantity(
    value: Number | None, unit: str | None = None, *, comparator: str | None = None, ucum: str | None = None
) -> Json:
    """A Quantity. ``unit`` is the printed unit; ``ucum`` adds the UCUM system and code."""
    number = None if value is None else Decimal(value)
    made = {"value": number, "comparator": comparator, "unit": unit}
    return _kept(made | ({"system": SYSTEMS["ucum"], "code": ucum} if ucum is not None else {}))


def ref(target: str | Mapping[str, object]) -> Json:
    """A reference to ``"Condition/c1"`` or to a resource made here."""
    return {"reference": target if isinstance(target, str) else f"{target['resourceType']}/{target['id']}"}


def period(start: str | None = None, end: str | None = None) -> Json:
    return _kept({"start": start, "end": end})


def also(resource: Mapping[str, object], **elements: object) -> Json:
    """The same resource with these elements set; ``None`` takes one away, ``class_`` is ``class``."""
    return _kept(dict(resource) | {name.rstrip("_"): value for name, value in elements.items()})


# --- the patient


def patient(
    gender: str | None = "female", born: str | None = "1990-05-01", *, id: str = "p1", **elements: object
) -> Json:
    """By default a woman of 36 years."""
    return _kept({"resourceType": "Patient", "id": id, "gender": gender, "birthDate": born, **elements})


# --- conditions, procedures, encounters


def condition(
    concept: Json | None,
    onset: Moment = None,
    *,
    clinical: str | None = "active",
    verification: str | None = "confirmed",
    abatement: Moment = None,
    recorded: str | None = None,
    severity: Json | None = None,
    of: str = PATIENT,
    id: str | None = None,
    **elements: object,
) -> Json:
    """A Condition. ``clinical=None`` and ``verification=None`` leave the statuses out."""
    return _made(
        "Condition",
        id,
        subject=ref(of),
        code=concept,
        clinicalStatus=code("clinical", clinical) if clinical else None,
        verificationStatus=code("verification", verification) if verification else None,
        **_moment("onset", onset),
        **_moment("abatement", abatement),
        recordedDate=recorded,
        severity=severity,
        **elements,
    )


def procedure(
    concept: Json | None,
    on: Moment = None,
    *,
    status: str | None = "completed",
    level: str | Json | None = None,
    reason: Json | None = None,
    reason_reference: str | Json | None = None,
    of: str = PATIENT,
    id: str | None = None,
    **elements: object,
) -> Json:
    """A Procedure; ``level`` (``"三级"`` or a concept) is written as the Chinese surgical level extension."""
    named = words(level) if isinstance(level, str) else level
    return _made(
        "Procedure",
        id,
        subject=ref(of),
        code=concept,
        status=status,
        extension=[{"url": SURGICAL_LEVEL, "valueCodeableConcept": named}] if named else None,
        **_moment("performed", on),
        **_reasons(reason, reason_reference),
        **elements,
    )


def encounter(
    on: Moment = None,
    kind: str | Json | None = "IMP",
    *,
    status: str | None = "finished",
    reason: Json | None = None,
    reason_reference: str | Json | None = None,
    of: str = PATIENT,
    id: str | None = None,
    **elements: object,
) -> Json:
    """An Encounter over a Period; ``kind`` is its class: a v3 ActCode, a whole Coding, or ``None``."""
    start, end = on if isinstance(on, tuple) else (on, on)
    return _made(
        "Encounter",
        id,
        subject=ref(of),
        status=status,
        class_=coding("act", kind) if isinstance(kind, str) else kind,
        period=period(start, end) or None,
        **_reasons(reason, reason_reference),
        **elements,
    )


# --- observations


def observation(
    concept: Json | None,
    value: object = None,
    unit: str | None = None,
    on: Moment = None,
    *,
    comparator: str | None = None,
    ucum: str | None = None,
    status: str | None = "final",
    interpretation: str | None = None,
    range: tuple[Number | None, Number | None] | str | None = None,
    issued: str | None = None,
    specimen: str | None = None,
    components: Sequence[Json] = (),
    members: Iterable[str | Json] = (),
    by: str | None = None,
    absent: str | None = None,
    of: str = PATIENT,
    id: str | None = None,
    **elements: object,
) -> Json:
    """An Observation.

    ``value``: a number with a unit makes a valueQuantity, ``True`` or ``False`` a valueBoolean, an
    ``int`` alone a valueInteger, a text alone a valueString; a concept or a quantity made here is taken
    as it is. ``range`` is the laboratory's (low, high), in the unit of the value, or its text.
    ``interpretation`` is a v3 code (``POS``), else a text.
    """
    return _made(
        "Observation",
        id,
        subject=ref(of),
        code=concept,
        status=status,
        **_moment("effective", on),
        issued=issued,
        **_result(value, unit, comparator, ucum),
        interpretation=_interpretation(interpretation),
        referenceRange=_range(range, unit),
        specimen=ref(specimen) if specimen else None,
        component=list(components) or None,
        hasMember=[ref(one) for one in members] or None,
        performer=[ref(by)] if by else None,
        dataAbsentReason=code("absent", absent) if absent else None,
        **elements,
    )


def component(
    concept: Json,
    value: object = None,
    unit: str | None = None,
    *,
    comparator: str | None = None,
    ucum: str | None = None,
    interpretation: str | None = None,
    range: tuple[Number | None, Number | None] | str | None = None,
) -> Json:
    """One component of an Observation; ``value`` as for ``observation``."""
    return _kept(
        {
            "code": concept,
            **_result(value, unit, comparator, ucum),
            "interpretation": _interpretation(interpretation),
            "referenceRange": _range(range, unit),
        }
    )


def attestation(
    criterion: str,
    holds: bool,
    on: Moment,
    *,
    status: str = "final",
    by: str | None = DOCTOR,
    id: str | None = None,
) -> Json:
    """A person says whether the sentence of a criterion holds."""
    return observation(code("attestation", criterion), holds, on=on, status=status, by=by, id=id)


def questionnaire_response(
    answers: Mapping[str, bool],
    on: str | None,
    *,
    status: str = "completed",
    questionnaire: str | None = QUESTIONNAIRE,
    by: str | None = DOCTOR,
    nested: bool = False,
    of: str = PATIENT,
    id: str | None = None,
) -> Json:
    """A QuestionnaireResponse whose items answer criterion ids; ``nested`` puts them into a group."""
    items: list[Json] = [{"linkId": link, "answer": [{"valueBoolean": value}]} for link, value in answers.items()]
    return _made(
        "QuestionnaireResponse",
        id,
        subject=ref(of),
        status=status,
        authored=on,
        questionnaire=questionnaire,
        author=ref(by) if by else None,
        item=[{"linkId": "group", "item": items}] if nested else items,
    )


# --- medicines


def dosage(
    dose: Number | None = None,
    unit: str | None = "mg",
    times: int | None = 1,
    *,
    period: Number = 1,
    per: str = "d",
    route: Json | None = None,
    start: str | None = None,
    end: str | None = None,
    timing: Json | None = None,
    text: str | None = None,
) -> Json:
    """A Dosage: ``dosage(500, "mg", times=2)`` is 500 mg twice a day.

    ``times`` per ``period`` ``per`` (``d``, ``h``, ``wk``); ``start`` and ``end`` are its boundsPeriod;
    ``timing`` is a timing code (``code("timing", "BID")``) and then usually ``times=None``.
    """
    bounds = _kept({"start": start, "end": end})
    repeat = {"frequency": times, "period": Decimal(period), "periodUnit": per} if times is not None else {}
    repeat |= {"boundsPeriod": bounds} if bounds else {}
    return _kept(
        {
            "text": text,
            "timing": _kept({"repeat": repeat or None, "code": timing}) or None,
            "route": route,
            "doseAndRate": [{"doseQuantity": quantity(dose, unit)}] if dose is not None else None,
        }
    )


def medication(concept: Json, *, id: str) -> Json:
    return {"resourceType": "Medication", "id": id, "code": concept}


def administration(
    drug: Json | str | None,
    on: Moment = None,
    *,
    status: str | None = "completed",
    route: Json | None = None,
    dose: Json | None = None,
    reason: Json | None = None,
    reason_reference: str | Json | None = None,
    encounter: str | Json | None = None,
    of: str = PATIENT,
    id: str | None = None,
    **elements: object,
) -> Json:
    """A MedicationAdministration; ``drug``: a concept or ``"Medication/m1"``; ``dose``: a quantity."""
    return _made(
        "MedicationAdministration",
        id,
        subject=ref(of),
        status=status,
        **_drug(drug),
        **_moment("effective", on),
        context=ref(encounter) if encounter else None,
        dosage=_kept({"route": route, "dose": dose}) or None,
        **_reasons(reason, reason_reference),
        **elements,
    )


def statement(
    drug: Json | str | None,
    on: Moment = None,
    *,
    status: str | None = "active",
    dosage: Json | Sequence[Json] | None = None,
    asserted: str | None = None,
    reason: Json | None = None,
    reason_reference: str | Json | None = None,
    of: str = PATIENT,
    id: str | None = None,
    **elements: object,
) -> Json:
    """A MedicationStatement."""
    return _made(
        "MedicationStatement",
        id,
        subject=ref(of),
        status=status,
        **_drug(drug),
        **_moment("effective", on),
        dateAsserted=asserted,
        dosage=_listed(dosage),
        **_reasons(reason, reason_reference),
        **elements,
    )


def request(
    drug: Json | str | None,
    authored: str | None = None,
    *,
    status: str | None = "active",
    intent: str | None = "order",
    dosage: Json | Sequence[Json] | None = None,
    do_not_perform: bool | None = None,
    reason: Json | None = None,
    reason_reference: str | Json | None = None,
    of: str = PATIENT,
    id: str | None = None,
    **elements: object,
) -> Json:
    """A MedicationRequest; its bounds are those of the dosage."""
    return _made(
        "MedicationRequest",
        id,
        subject=ref(of),
        status=status,
        intent=intent,
        **_drug(drug),
        authoredOn=authored,
        doNotPerform=do_not_perform,
        dosageInstruction=_listed(dosage),
        **_reasons(reason, reason_reference),
        **elements,
    )


def dispense(
    drug: Json | str | None,
    on: str | None = None,
    days: Number | None = None,
    *,
    status: str | None = "completed",
    dosage: Json | Sequence[Json] | None = None,
    prepared: str | None = None,
    of: str = PATIENT,
    id: str | None = None,
    **elements: object,
) -> Json:
    """A MedicationDispense handed over ``on`` a day, for ``days`` days (daysSupply)."""
    return _made(
        "MedicationDispense",
        id,
        subject=ref(of),
        status=status,
        **_drug(drug),
        whenPrepared=prepared,
        whenHandedOver=on,
        daysSupply=quantity(days, "days", ucum="d") if days is not None else None,
        dosageInstruction=_listed(dosage),
        **elements,
    )


# --- vaccines and plans


def immunization(
    vaccine: Json | None,
    on: str | None = None,
    *,
    status: str | None = "completed",
    recorded: str | None = None,
    of: str = PATIENT,
    id: str | None = None,
    **elements: object,
) -> Json:
    return _made(
        "Immunization",
        id,
        patient=ref(of),
        status=status,
        vaccineCode=vaccine,
        occurrenceDateTime=on,
        recorded=recorded,
        **elements,
    )


def immunization_recommendation(
    vaccine: Json,
    on: str | None = None,
    *,
    made: str = "2026-11-01",
    of: str = PATIENT,
    id: str | None = None,
) -> Json:
    """A vaccine that is due on a day."""
    due = {"code": code("loinc", "30980-7"), "value": on} if on else None
    line = _kept({"vaccineCode": [vaccine], "forecastStatus": words("due"), "dateCriterion": [due] if due else None})
    return _made("ImmunizationRecommendation", id, patient=ref(of), date=made, recommendation=[line])


def service_request(
    concept: Json | None,
    on: Moment = None,
    *,
    status: str | None = "active",
    intent: str | None = "order",
    authored: str | None = None,
    do_not_perform: bool | None = None,
    of: str = PATIENT,
    id: str | None = None,
    **elements: object,
) -> Json:
    return _made(
        "ServiceRequest",
        id,
        subject=ref(of),
        status=status,
        intent=intent,
        code=concept,
        doNotPerform=do_not_perform,
        **_moment("occurrence", on),
        authoredOn=authored,
        **elements,
    )


def appointment(
    concept: Json,
    on: str | None = None,
    *,
    end: str | None = None,
    status: str | None = "booked",
    of: str = PATIENT,
    id: str | None = None,
    **elements: object,
) -> Json:
    """An Appointment for a service; ``on`` and ``end`` are instants (a date alone: nine in Shanghai)."""
    return _made(
        "Appointment",
        id,
        status=status,
        serviceType=[concept],
        start=_instant(on),
        end=_instant(end),
        participant=[{"actor": ref(of), "status": "accepted"}],
        **elements,
    )


# --- consent


def consent(
    on: str | None = "2026-11-02",
    *,
    status: str | None = "active",
    scope: str | None = "research",
    study: str | None = STUDY,
    policy: str | None = None,
    verified: str | None = None,
    kind: str | None = None,
    nested: str | None = None,
    over: Moment = None,
    of: str = PATIENT,
    id: str | None = None,
    **elements: object,
) -> Json:
    """A Consent, by default the signed one of this study.

    ``study`` is the reference of ``provision.data``, ``policy`` a ``policy.uri``. ``kind`` is the type of
    the root provision (permit, deny), ``nested`` that of one provision inside it, ``over`` its period.
    ``verified`` is the day of a verification.
    """
    data = [{"meaning": "related", "reference": ref(study)}] if study else None
    start, end = over if isinstance(over, tuple) else (over, over)
    inner = [{"type": nested}] if nested else None
    provision = _kept({"type": kind, "period": period(start, end) or None, "data": data, "provision": inner})
    return _made(
        "Consent",
        id,
        patient=ref(of),
        status=status,
        scope=code("consentscope", scope) if scope else None,
        category=[loinc("59284-0")],
        dateTime=on,
        policy=[{"uri": policy}] if policy else None,
        verification=[{"verified": True, "verificationDate": verified}] if verified else None,
        provision=provision or None,
        **elements,
    )


# --- bundles


def bundle(*resources: Mapping[str, object], kind: str = "collection") -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": dict(one)} for one in resources]}


def as_json(resource: Mapping[str, object]) -> bytes:
    """The bytes of a resource, with every digit of its numbers."""
    return _numbers.encode(resource)


def _made(kind: str, id: str | None, **elements: object) -> Json:
    content = _kept({"resourceType": kind} | {name.rstrip("_"): value for name, value in elements.items()})
    derived = f"{kind[0].lower()}-{hashlib.sha256(as_json(content)).hexdigest()[:10]}"
    return {"resourceType": kind, "id": id if id is not None else derived} | content


def _kept(elements: Mapping[str, object]) -> Json:
    return {name: value for name, value in elements.items() if value is not None}


def _moment(element: str, moment: Moment) -> Json:
    if moment is None:
        return {}
    if isinstance(moment, tuple):
        return {f"{element}Period": period(*moment)}
    return {f"{element}DateTime": moment}


def _instant(moment: str | None) -> str | None:
    return f"{moment}T09:00:00+08:00" if moment and re.fullmatch(r"\d{4}-\d{2}-\d{2}", moment) else moment


def _result(value: object, unit: str | None, comparator: str | None, ucum: str | None) -> Json:
    match value:
        case None:
            return {}
        case bool():
            return {"valueBoolean": value}
        case dict():
            return {"valueQuantity" if {"value", "comparator", "unit"} & set(value) else "valueCodeableConcept": value}
        case Decimal() | str() | int() if unit is not None or comparator is not None or ucum is not None:
            return {"valueQuantity": quantity(value, unit, comparator=comparator, ucum=ucum)}
        case int():
            return {"valueInteger": value}
        case str():
            return {"valueString": value}
    raise TypeError(
        f"{value!r} is no result of an observation: give a number with a unit, a text, a truth or a concept"
    )


def _interpretation(value: str | None) -> list[Json] | None:
    if value is None:
        return None
    return [code("interpretation", value) if value.isascii() and value.isupper() else words(value)]


def _range(limits: tuple[Number | None, Number | None] | str | None, unit: str | None) -> list[Json] | None:
    if limits is None:
        return None
    if isinstance(limits, str):
        return [{"text": limits}]
    low, high = (None if limit is None else quantity(limit, unit) for limit in limits)
    return [_kept({"low": low, "high": high})]


def _drug(drug: Json | str | None) -> Json:
    if drug is None:
        return {}
    return {"medicationReference": ref(drug)} if isinstance(drug, str) else {"medicationCodeableConcept": drug}


def _reasons(reason: Json | None, reference: str | Json | None) -> Json:
    return {
        "reasonCode": [reason] if reason else None,
        "reasonReference": [ref(reference)] if reference else None,
    }


def _listed(dosage: Json | Sequence[Json] | None) -> list[Json] | None:
    if dosage is None:
        return None
    return [dosage] if isinstance(dosage, dict) else list(dosage)
