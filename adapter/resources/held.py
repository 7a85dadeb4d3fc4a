"""Reading back what earlier runs wrote: the subjects of a sink, with the days of their assignments and plans."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date

from adapter.assignment.held import Held
from adapter.facts.model import Enrolment
from adapter.facts.person import enrolments
from adapter.facts.vocabulary import Vocabulary
from adapter.fhir.decode import decode
from adapter.fhir.elements import ResearchSubject
from adapter.fhir.references import key_of
from adapter.resources.medication_request import request_key
from adapter.resources.shape import Resource, Value, encoded


def held_subjects(held: Mapping[str, Resource], vocabulary: Vocabulary) -> tuple[Held, ...]:
    """The ResearchSubjects of this study that the sink holds, each with its patient."""
    return tuple(_subjects(held, vocabulary))


def _subjects(held: Mapping[str, Resource], vocabulary: Vocabulary) -> Iterator[Held]:
    for key, resource in sorted(held.items()):
        subject = decode(encoded(resource))[1] if key.startswith("ResearchSubject/") else None
        if isinstance(subject, ResearchSubject) and subject.individual:
            patient = key_of(subject.individual) or ""
            plan = held.get(request_key(vocabulary.study.id, patient, 1), {})
            since = _day(_inside(resource, "period", "start"))
            for item in enrolments(subject, key, vocabulary):
                if isinstance(item, Enrolment):
                    yield Held(patient, item, since, _day(_inside(plan, "dosageInstruction", 0, "timing", "event", 0)))


def _inside(value: Value | Resource, *path: str | int) -> Value | None:
    """What stands at a path; None where it ends, since a person may have written anything."""
    found: Value | None = value
    for step in path:
        if isinstance(step, str) and isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(step, int) and isinstance(found, Sequence) and not isinstance(found, str) and found:
            found = found[step]
        else:
            return None
    return found


def _day(value: Value | None) -> date | None:
    """The day of a date or time that names one."""
    with suppress(ValueError):
        return date.fromisoformat(str(value or "")[:10])
    return None
