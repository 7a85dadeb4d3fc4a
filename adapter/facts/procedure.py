"""Procedure, Immunization and Encounter -> facts. FHIR R4; statuses as `criteria.md`, "What counts as a record"."""

from collections.abc import Iterator

from adapter.facts.indication import meanings
from adapter.facts.model import Fact, Reason, Source, Use
from adapter.facts.vocabulary import (
    DOUBT,
    Item,
    Vocabulary,
    doubt_of,
    nameless,
    retracted,
    status_of,
    version_of,
)
from adapter.fhir.dates import UNDATED, When
from adapter.fhir.elements import CodeableConcept, Encounter, Immunization, Procedure
from adapter.fhir.references import key_of
from adapter.fhir.terminology import Grade

_PERFORMED = {"completed", "in-progress", "stopped"}
_OPEN = {"on-hold", "unknown"}
_STAYED = {"in-progress", "finished", "onleave"}
_LEVEL = "surgical-level"
MAJOR = "procedure:major-surgery"


def procedure_facts(procedure: Procedure, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    """What was done to the patient. A surgical level three or four makes any surgery a major one."""
    assert procedure.code is not None
    when = _performed(procedure, vocabulary)
    meaning = vocabulary.terminology.meaning("Procedure", procedure.code)
    status = status_of(procedure.status)
    matches = {match.fact.name: match.grade for match in meaning.matches}
    if matches.get(MAJOR) is not Grade.NEVER and _is_level_major(procedure, vocabulary):
        matches[MAJOR] = Grade.COUNTS
    matches = {name: grade for name, grade in matches.items() if grade is not Grade.NEVER}
    if status == "entered-in-error" and (matches or meaning.nameless):
        yield retracted(reference)
    if status not in _PERFORMED | _OPEN:
        return
    doubt = None if status in _PERFORMED else Reason.NEEDS_JUDGEMENT
    name = vocabulary.terminology.label(procedure.code)
    source = Source(reference, version_of(procedure), _performed_path(procedure), when.text or name)
    links = tuple(filter(None, map(key_of, procedure.reason_reference or ())))
    if meaning.nameless and MAJOR not in matches:
        yield nameless("Procedure", when, source, doubt)
    if not matches and links:
        yield Fact("procedure:other", "Procedure", Grade.LISTED, when, name, source, doubt=doubt, links=links)
    for fact, grade in matches.items():
        yield Fact(fact, "Procedure", grade, when, name, source, doubt=doubt_of(DOUBT.get(grade), doubt), links=links)


def _performed(procedure: Procedure, vocabulary: Vocabulary) -> When:
    if procedure.performed_date_time:
        return vocabulary.calendar.at(procedure.performed_date_time, "performedDateTime")
    period = procedure.performed_period
    return (vocabulary.calendar.during(period, "performedPeriod") if period else None) or UNDATED


def _performed_path(procedure: Procedure) -> str:
    if procedure.performed_date_time:
        return "performedDateTime"
    return "performedPeriod" if procedure.performed_period else "code"


def _is_level_major(procedure: Procedure, vocabulary: Vocabulary) -> bool:
    levels = [procedure.category]
    for extension in procedure.extension or ():
        if extension.url and _LEVEL in extension.url:
            coded = (extension.value_coding,) if extension.value_coding else None
            text = extension.value_string or extension.value_code
            levels += [extension.value_codeable_concept, CodeableConcept(coding=coded, text=text)]
    return any(vocabulary.terminology.member("surgical-level-major", level) for level in levels)


def immunization_facts(immunization: Immunization, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    """What was injected; an `occurrenceString` gives no date, `recorded` only bounds it."""
    assert immunization.vaccine_code is not None
    when = _given(immunization, vocabulary)
    meaning = vocabulary.terminology.meaning("Immunization", immunization.vaccine_code)
    status = status_of(immunization.status)
    matches = meaning.relevant
    if status == "entered-in-error" and (matches or meaning.nameless):
        yield retracted(reference)
    if status not in {"completed"} | _OPEN:
        return
    doubt = None if status == "completed" else Reason.NEEDS_JUDGEMENT
    name = vocabulary.terminology.label(immunization.vaccine_code)
    path = "occurrenceDateTime" if immunization.occurrence_date_time else "vaccineCode"
    source = Source(reference, version_of(immunization), path, when.text or name)
    if meaning.nameless:
        yield nameless("Immunization", when, source, doubt)
    for match in matches:
        both = doubt_of(DOUBT.get(match.grade), doubt)
        yield Fact(match.fact.name, "Immunization", match.grade, when, name, source, doubt=both)


def _given(immunization: Immunization, vocabulary: Vocabulary) -> When:
    if immunization.occurrence_date_time:
        return vocabulary.calendar.at(immunization.occurrence_date_time, "occurrenceDateTime")
    bound = vocabulary.calendar.bound([(immunization.recorded, "recorded")])
    return When(dated=False, bound=bound)


def encounter_facts(encounter: Encounter, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    """A stay in hospital by its class; a class that no table knows, or none, needs a person."""
    period = encounter.period
    when = (vocabulary.calendar.during(period, "period") if period else None) or UNDATED
    concept = CodeableConcept(coding=(encounter.encounter_class,) if encounter.encounter_class else None)
    meaning = vocabulary.terminology.meaning("Encounter", concept)
    grade = next((m.grade for m in meaning.matches if m.fact.name == "encounter:inpatient"), Grade.REVIEW)
    status = status_of(encounter.status)
    if grade is Grade.NEVER or status not in _STAYED | _OPEN | {"entered-in-error"}:
        return
    if status == "entered-in-error":
        yield retracted(reference)
        return
    grade = Grade.REVIEW if grade is Grade.UNMAPPED else grade
    doubt = doubt_of(DOUBT.get(grade), None if status in _STAYED else Reason.NEEDS_JUDGEMENT)
    diagnoses = (diagnosis.condition for diagnosis in encounter.diagnosis or ())
    links = tuple(filter(None, (key_of(r) for r in (*(encounter.reason_reference or ()), *diagnoses) if r)))
    use = Use(indications=meanings(encounter.reason_code, vocabulary), because=links)
    source = Source(
        reference,
        version_of(encounter),
        "period" if period else "class",
        when.text or vocabulary.terminology.label(concept),
    )
    yield Fact("encounter:inpatient", "Encounter", grade, when, "a hospital stay", source, doubt=doubt, use=use)
