"""List: the candidates of a study in the shape that recruIT's screening list reads. FHIR R4.

One entry a ResearchSubject. The day of an entry is kept; who drops out is flagged, never deleted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapter.eligibility.trial import Trial
from adapter.fhir.systems import BASE
from adapter.resources import names
from adapter.resources.shape import Resource, Value, built, coded, reference

CODE = ("https://fhir.miracum.org/uc1/CodeSystem/screeningList", "screening-recommendations")
BELONGS_TO = "https://fhir.miracum.org/uc1/StructureDefinition/belongsToStudy"
FLAG = (f"{BASE}/CodeSystem/candidate-flag", "dropped-out", "No longer a candidate")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ResearchSubject, the day on which it was looked at, and whether the patient may still take part."""

    subject: str
    day: str
    fits: bool


def candidates(trial: Trial, found: Sequence[Candidate], held: Resource | None) -> Resource | None:
    """The List after this run; None where there is nobody to list. `held` is the List as the sink has it."""
    entries = {_subject_of(entry): entry for entry in _entries(held)}
    for one in sorted(found, key=lambda c: c.subject):
        if one.fits or one.subject in entries:
            entries[one.subject] = _entry(one, entries.get(one.subject))
    if not entries:
        return None
    return built(
        "List",
        names.candidates(trial).partition("/")[2],
        "trial-candidates",
        {
            "extension": [{"url": BELONGS_TO, "valueReference": reference(names.research_study(trial))}],
            "status": "current",
            "mode": "working",
            "title": f"Candidates of {trial.id}",
            "code": coded(*CODE),
            "date": max(str(entry.get("date", "")) for entry in entries.values()),
            "source": reference(names.device(trial)),
            "entry": [entries[key] for key in sorted(entries)],
        },
    )


def _entry(one: Candidate, held: Resource | None) -> Resource:
    """The day of the first entry stays; a flag comes and goes with the screening."""
    flag: dict[str, Value] = {} if one.fits else {"flag": coded(*FLAG)}
    day = str(held.get("date", "")) if held else ""
    return flag | {"date": day or one.day, "item": reference(one.subject)}


def _entries(held: Resource | None) -> list[Mapping[str, Value]]:
    entries = held.get("entry") if held else None
    many = entries if isinstance(entries, Sequence) and not isinstance(entries, str) else []
    return [entry for entry in many if isinstance(entry, Mapping)]


def _subject_of(entry: Resource) -> str:
    item = entry.get("item")
    return str(item.get("reference", "")) if isinstance(item, Mapping) else ""
