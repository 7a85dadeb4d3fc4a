"""Observation -> facts: laboratory results, instrument scores and items, attestations. FHIR R4 Observation."""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from adapter.errors import Issue
from adapter.facts.model import Fact, Reason, Result, Sign, Source
from adapter.facts.result import abnormal_flag, has_value, plain_result, result_of, value_path
from adapter.facts.vocabulary import (
    DOUBT,
    Item,
    Vocabulary,
    doubt_of,
    retracted,
    status_of,
    version_of,
)
from adapter.fhir.dates import When
from adapter.fhir.elements import CodeableConcept, Measured, Observation
from adapter.fhir.references import key_of, type_of
from adapter.fhir.systems import INSTRUMENTS
from adapter.fhir.terminology import Grade, Match, Meaning

_FINAL = {"final", "amended", "corrected"}
_OPEN = {"preliminary", "unknown", "on-hold"}
_NOT_ATTESTING = {"Patient", "RelatedPerson"}


def observation_facts(observation: Observation, reference: str, vocabulary: Vocabulary) -> Iterable[Item]:
    """The results that an Observation and its components state; one without a value states nothing."""
    parts = _telling_parts(observation, vocabulary)
    if parts:
        return _told(observation, parts, reference, vocabulary)
    _check_dates(observation, vocabulary)
    return ()


def _told(observation: Observation, parts: "list[_Part]", reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    when = _effective(observation, vocabulary)
    status = status_of(observation.status)
    if status == "entered-in-error":
        yield retracted(reference)
    elif status in _FINAL | _OPEN:
        for part in parts:
            yield from _facts_of_part(observation, part, when, reference, vocabulary)


class _Part(msgspec.Struct, frozen=True, gc=False):
    """An Observation or one of its components that states something: its code, its value, where it stands."""

    concept: CodeableConcept
    valued: Observation | Measured
    path: str
    meaning: Meaning


def _telling_parts(observation: Observation, vocabulary: Vocabulary) -> list[_Part]:
    """Most Observations of an export state nothing that a trial asks for: their code alone tells."""
    means = vocabulary.terminology.meaning
    found = []
    code = observation.code
    if code is not None and (meaning := means("Observation", code)).tells and has_value(observation):
        found.append(_Part(code, observation, "", meaning))
    for index, component in enumerate(observation.component or ()):
        code = component.code
        if code is not None and (meaning := means("Observation", code)).tells and has_value(component):
            found.append(_Part(code, component, f"component[{index}].", meaning))
    return found


def _facts_of_part(
    observation: Observation, part: _Part, when: When, reference: str, vocabulary: Vocabulary
) -> Iterator[Item]:
    status = status_of(observation.status)
    doubt = None if status in _FINAL else Reason.NEEDS_JUDGEMENT
    element, text = value_path(part.valued)
    source = Source(reference, version_of(observation), part.path + element, text)
    name = vocabulary.terminology.label(part.concept)
    for match in part.meaning.relevant:
        if match.fact.measured and _by_patient(observation):
            continue
        if element == "interpretation" and match.fact.unit and not match.fact.any_unit:
            continue  # a word without the number that is asked for never hides an earlier number
        result = result_of(part.valued, match.fact, vocabulary)
        yield from _told_text(part.valued, result, source)
        yield _fact(match, name, when, source, doubt, _with_abnormal(part.valued, result), observation, vocabulary)
    for fact in _own_facts(part.meaning, vocabulary):
        if not fact.startswith("attested:"):
            yield Fact(fact, "Observation", Grade.COUNTS, when, name, source, doubt, plain_result(part.valued))
        elif status == "final" and not _by_patient(observation):
            result = plain_result(part.valued)
            yield Fact(fact, "Observation", Grade.COUNTS, when, "attestation", source, None, result)


def _fact(
    match: Match,
    name: str,
    when: When,
    source: Source,
    doubt: Reason | None,
    result: Result,
    observation: Observation,
    vocabulary: Vocabulary,
) -> Fact:
    both = doubt_of(DOUBT.get(match.grade), doubt)
    specimen = (key_of(observation.specimen) if observation.specimen else None) or ""
    moment = _moment(observation, source.reference, vocabulary)
    return Fact(
        match.fact.name, "Observation", match.grade, when, name, source, both, result, specimen=specimen, moment=moment
    )  # fmt: skip


def _told_text(valued: Observation | Measured, result: Result, source: Source) -> Iterator[Issue]:
    """A number that came as text is used, and told."""
    if valued.value_string is not None and result.number is not None:
        yield Issue("note", source.reference, source.path, f"a number written as text: {source.written[:60]!r}")


def _with_abnormal(valued: Observation | Measured, result: Result) -> Result:
    """An antibody called abnormal is positive; which side of a range it means is not told."""
    if result.sign is None and result.range_ is None and abnormal_flag(valued):
        return replace(result, sign=Sign.POSITIVE, problem=None if result.number is None else result.problem)
    return result


def _own_facts(meaning: Meaning, vocabulary: Vocabulary) -> list[str]:
    """The facts of this project's own code systems: instrument totals and items, attestations of this trial."""
    if not meaning.own:
        return []
    prefixes = {INSTRUMENTS: "instrument", vocabulary.study.attestation: "attested"}
    return [f"{prefixes[system]}:{code}" for system, code in meaning.own if system in prefixes]


def _by_patient(observation: Observation) -> bool:
    """A patient's or relative's own word does not attest."""
    return any(type_of(performer) in _NOT_ATTESTING for performer in observation.performer or ())


def _moment(observation: Observation, reference: str, vocabulary: Vocabulary) -> str:
    """The exact time of a result, the same however its zone is written; without one, only its own Observation."""
    period = observation.effective_period
    ends = (period.start, period.end) if period and period.start and period.end else ()
    texts = ends or (observation.effective_date_time or observation.effective_instant or "",)
    if not all("T" in text for text in texts):
        return f"in {reference}"
    return "/".join(vocabulary.calendar.instant(text) for text in texts)


def _check_dates(observation: Observation, vocabulary: Vocabulary) -> None:
    """A date that cannot exist makes any resource unreadable, also one that states nothing."""
    if observation.effective_date_time:
        vocabulary.calendar.check(observation.effective_date_time, "effectiveDateTime")
    else:
        _effective(observation, vocabulary)


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
