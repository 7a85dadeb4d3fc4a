"""Condition -> facts. FHIR R4 Condition; statuses as `criteria.md`, "What counts as a record"."""

from collections.abc import Iterator

from adapter.facts.model import Course, Fact, Reason, Source
from adapter.facts.vocabulary import (
    DOUBT,
    Item,
    Vocabulary,
    code_of,
    doubt_of,
    nameless,
    retracted,
    version_of,
)
from adapter.fhir.dates import FIRST, UNDATED, Calendar, When
from adapter.fhir.elements import Condition
from adapter.fhir.terminology import Grade

_COUNTS = {"", "confirmed"}
_DOUBTFUL = {"unconfirmed", "provisional", "differential", "unknown", "on-hold"}


def condition_facts(condition: Condition, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    """The diagnoses that a Condition states. Raises UnreadableError for a date that cannot exist."""
    assert condition.code is not None
    meaning = vocabulary.terminology.meaning("Condition", condition.code)
    matches = meaning.relevant
    if not matches and not meaning.nameless:
        _check_dates(condition, vocabulary.calendar)
        return
    chronic = any(match.fact.chronic for match in matches)
    course = course_of(condition, vocabulary, chronic)
    verification = code_of(condition.verification_status)
    if verification == "entered-in-error":
        if matches or meaning.nameless:
            yield retracted(reference, "verificationStatus")
        return
    if verification not in _COUNTS | _DOUBTFUL:
        return
    status = None if verification in _COUNTS else Reason.NEEDS_JUDGEMENT
    name = vocabulary.terminology.label(condition.code)
    source = Source(reference, version_of(condition), "code", name)
    when = event_of(course)
    if meaning.nameless:
        yield nameless("Condition", when, source, status, course=course)
    for match in matches:
        doubt = doubt_of(DOUBT.get(match.grade), None if match.grade is Grade.LISTED else status)
        yield Fact(match.fact.name, "Condition", match.grade, when, name, source, doubt=doubt, course=course)


def _check_dates(condition: Condition, calendar: Calendar) -> None:
    """A date that cannot exist makes any resource unreadable, also one that states nothing."""
    if condition.onset_period or condition.abatement_period:
        _onset(condition, calendar)
        _abatement(condition, calendar)
    for text, path in (
        (condition.onset_date_time, "onsetDateTime"),
        (condition.abatement_date_time, "abatementDateTime"),
        (condition.recorded_date, "recordedDate"),
    ):
        if text:
            calendar.check(text, path)


def course_of(condition: Condition, vocabulary: Vocabulary, chronic: bool = False) -> Course:
    """Onset, abatement and clinical status as far as they are stated."""
    calendar = vocabulary.calendar
    undated_end = condition.abatement_age or condition.abatement_range or condition.abatement_string
    abatement = _abatement(condition, calendar)
    recorded = calendar.at(condition.recorded_date, "recordedDate") if condition.recorded_date else None
    return Course(
        clinical=code_of(condition.clinical_status),
        onset=_onset(condition, calendar),
        abatement=abatement,
        abated=abatement is not None or undated_end is not None,
        recorded=recorded,
        severe=vocabulary.terminology.member("severity-severe", condition.severity),
        chronic=chronic,
    )


def _onset(condition: Condition, calendar: Calendar) -> When | None:
    if condition.onset_date_time:
        return calendar.at(condition.onset_date_time, "onsetDateTime")
    period = calendar.during(condition.onset_period, "onsetPeriod") if condition.onset_period else None
    if period is None:
        return None
    if not period.open:
        return period
    return When(period.first_lo, period.first_hi, period.first_lo, period.first_hi, text=period.text)


def _abatement(condition: Condition, calendar: Calendar) -> When | None:
    if condition.abatement_date_time:
        return calendar.at(condition.abatement_date_time, "abatementDateTime")
    period = condition.abatement_period
    if period is None or not (period.end or period.start):
        return None
    calendar.during(period, "abatementPeriod")
    return calendar.at(period.end or period.start or "", "abatementPeriod.end")


def event_of(course: Course) -> When:
    """The event date of a Condition: its onset; else it began on or before its abatement; else undated, bounded by
    recordedDate.
    """
    if course.onset:
        return course.onset
    if course.abatement:
        end = course.abatement
        return When(FIRST, end.last_hi, end.first_lo, end.last_hi, stretch=True, text=end.text)
    if course.recorded:
        return When(dated=False, bound=course.recorded.last_hi, text=course.recorded.text)
    return UNDATED
