"""Observation -> facts: laboratory results, instrument scores and items, attestations. FHIR R4 Observation."""

from collections.abc import Iterator
from dataclasses import replace

from adapter.errors import Issue
from adapter.facts.model import Fact, Reason, Result, Sign, Source
from adapter.facts.result import abnormal_flag, has_value, plain_result, result_of, value_path
from adapter.facts.vocabulary import (
    DOUBT,
    Item,
    Vocabulary,
    doubt_of,
    relevant,
    retracted,
    status_of,
    version_of,
)
from adapter.fhir.dates import When
from adapter.fhir.elements import CodeableConcept, Measured, Observation
from adapter.fhir.references import key_of, type_of
from adapter.fhir.systems import INSTRUMENTS
from adapter.fhir.terminology import Grade, Match

_FINAL = {"final", "amended", "corrected"}
_OPEN = {"preliminary", "unknown", "on-hold"}
_NOT_ATTESTING = {"Patient", "RelatedPerson"}


def observation_facts(observation: Observation, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    """The results that an Observation and its components state; one without a value states nothing."""
    when = _effective(observation, vocabulary)
    parts: list[tuple[CodeableConcept | None, Observation | Measured, str]] = [(observation.code, observation, "")]
    parts += [(part.code, part, f"component[{i}].") for i, part in enumerate(observation.component or ())]
    told = False
    for concept, valued, path in parts:
        if concept is None:
            continue
        for item in _part(observation, concept, valued, path, when, reference, vocabulary):
            if status_of(observation.status) == "entered-in-error":
                if not told:
                    yield retracted(reference)
                told = True
            else:
                yield item


def _part(
    observation: Observation,
    concept: CodeableConcept,
    valued: Observation | Measured,
    path: str,
    when: When,
    reference: str,
    vocabulary: Vocabulary,
) -> Iterator[Item]:
    matches = relevant(vocabulary.terminology.meaning("Observation", concept).matches)
    own = _own_codes(concept, vocabulary)
    if not (matches or own) or not has_value(valued):
        return
    status = status_of(observation.status)
    if status not in _FINAL | _OPEN | {"entered-in-error"}:
        return
    doubt = None if status in _FINAL else Reason.NEEDS_JUDGEMENT
    element, text = value_path(valued)
    source = Source(reference, version_of(observation), path + element, text)
    specimen = _specimen(observation)
    for match in matches:
        result = result_of(valued, match.fact, vocabulary)
        yield from _told_text(valued, result, source)
        yield _fact(
            match, vocabulary.terminology.label(concept), when, source, doubt, _with_abnormal(valued, result), specimen
        )
    for name in own:
        if not name.startswith("attested:"):
            yield Fact(
                name,
                "Observation",
                Grade.COUNTS,
                when,
                vocabulary.terminology.label(concept),
                source,
                doubt,
                plain_result(valued),
            )
        elif status == "final" and not _by_patient(observation):
            yield Fact(name, "Observation", Grade.COUNTS, when, "attestation", source, None, plain_result(valued))


def _fact(
    match: Match, name: str, when: When, source: Source, doubt: Reason | None, result: Result, specimen: str
) -> Fact:
    both = doubt_of(DOUBT.get(match.grade), doubt)
    return Fact(match.fact.name, "Observation", match.grade, when, name, source, both, result, specimen=specimen)


def _told_text(valued: Observation | Measured, result: Result, source: Source) -> Iterator[Issue]:
    """A number that came as text is used, and told."""
    if valued.value_string is not None and result.number is not None:
        yield Issue("note", source.reference, source.path, f"a number written as text: {source.written[:60]!r}")


def _with_abnormal(valued: Observation | Measured, result: Result) -> Result:
    """An antibody called abnormal is positive; which side of a range it means is not told."""
    if result.sign is None and result.range_ is None and abnormal_flag(valued):
        return replace(result, sign=Sign.POSITIVE, problem=None if result.number is None else result.problem)
    return result


def _own_codes(concept: CodeableConcept, vocabulary: Vocabulary) -> list[str]:
    """The facts of this project's own code systems: instrument totals and items, attestations of this trial."""
    names = []
    for system, code in vocabulary.terminology.codes(concept):
        if system == INSTRUMENTS:
            names.append(f"instrument:{code}")
        elif system == vocabulary.study.attestation:
            names.append(f"attested:{code}")
    return list(dict.fromkeys(names))


def _by_patient(observation: Observation) -> bool:
    """A patient's or relative's own word does not attest."""
    return any(type_of(performer) in _NOT_ATTESTING for performer in observation.performer or ())


def _specimen(observation: Observation) -> str:
    """What tells that two results are of one specimen: the specimen, else the same date and time."""
    specimen = key_of(observation.specimen) if observation.specimen else None
    if specimen:
        return specimen
    moment = observation.effective_date_time or observation.effective_instant
    if moment and "T" in moment:
        return f"at {moment}"
    period = observation.effective_period
    if period and period.start and period.end and "T" in period.start:
        return f"at {period.start}/{period.end}"
    return f"in {observation.id}" if observation.id else ""


def _effective(observation: Observation, vocabulary: Vocabulary) -> When:
    calendar = vocabulary.calendar
    bound = calendar.bound([(observation.issued, "issued")])
    if observation.effective_date_time:
        return calendar.at(observation.effective_date_time, "effectiveDateTime")
    if observation.effective_instant:
        return calendar.at(observation.effective_instant, "effectiveInstant")
    period = observation.effective_period
    stretch = calendar.during(period, "effectivePeriod") if period else None
    if stretch:
        return stretch
    timing = observation.effective_timing
    if timing and timing.event:
        days = [calendar.days(event, "effectiveTiming.event") for event in timing.event]
        first, last = min(days), max(days)
        return When(*first, *last, stretch=True, text=timing.event[0])
    return When(dated=False, bound=bound)
