"""ServiceRequest, Appointment and ImmunizationRecommendation -> facts about what is planned; these may lie in the
future.
"""

from collections.abc import Iterable, Iterator

from adapter.facts.model import Fact, Source
from adapter.facts.vocabulary import DOUBT, Item, Vocabulary, doubt_of, retracted, status_of, version_of
from adapter.fhir.dates import UNDATED, When
from adapter.fhir.elements import (
    Appointment,
    CodeableConcept,
    ImmunizationRecommendation,
    Resource,
    ServiceRequest,
)
from adapter.fhir.terminology import Grade

_REQUESTED = {"active", "on-hold", "unknown"}
_BOOKED = {"proposed", "pending", "booked", "arrived", "checked-in", "waitlist", "unknown"}
_NO_LONGER_DUE = {"complete", "immune", "contraindicated"}


def service_request_facts(request: ServiceRequest, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    """A requested procedure or vaccination that still stands."""
    status = status_of(request.status)
    if status == "entered-in-error":
        yield retracted(reference)
    if status not in _REQUESTED or request.do_not_perform or status_of(request.intent) == "proposal":
        return
    calendar = vocabulary.calendar
    when = UNDATED
    if request.occurrence_date_time:
        when = calendar.at(request.occurrence_date_time, "occurrenceDateTime")
    elif request.occurrence_period:
        when = calendar.during(request.occurrence_period, "occurrencePeriod") or UNDATED
    yield from _planned(request, [request.code], "code", when, reference, vocabulary)


def appointment_facts(appointment: Appointment, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    """A booked surgery."""
    status = status_of(appointment.status)
    if status == "entered-in-error":
        yield retracted(reference)
    if status not in _BOOKED:
        return
    when = vocabulary.calendar.at(appointment.start, "start") if appointment.start else UNDATED
    concepts = [*(appointment.service_type or ()), *(appointment.reason_code or ())]
    yield from _planned(appointment, concepts, "serviceType", when, reference, vocabulary)


def recommendation_facts(advice: ImmunizationRecommendation, reference: str, vocabulary: Vocabulary) -> Iterator[Item]:
    """Vaccines that are due."""
    when = vocabulary.calendar.at(advice.date, "date") if advice.date else UNDATED
    for row in advice.recommendation or ():
        codes = row.forecast_status.coding or () if row.forecast_status else ()
        if not any(coding.code in _NO_LONGER_DUE for coding in codes):
            yield from _planned(
                advice, row.vaccine_code or (), "recommendation.vaccineCode", when, reference, vocabulary
            )


def _planned(
    resource: Resource,
    concepts: Iterable[CodeableConcept | None],
    path: str,
    when: When,
    reference: str,
    vocabulary: Vocabulary,
) -> Iterator[Item]:
    type_ = type(resource).__name__
    for concept in filter(None, concepts):
        source = Source(reference, version_of(resource), path, vocabulary.terminology.label(concept))
        for match in vocabulary.terminology.meaning(type_, concept).matches:
            if match.grade not in (Grade.NEVER, Grade.EXEMPT):
                doubt = doubt_of(DOUBT.get(match.grade))
                yield Fact(
                    match.fact.name,
                    type_,
                    match.grade,
                    when,
                    vocabulary.terminology.label(concept),
                    source,
                    doubt=doubt,
                )
