"""List: the candidates of a study in the shape that recruIT's screening list reads. FHIR R4.

One entry a ResearchSubject. The day of an entry is kept; who drops out is flagged, never deleted. What people add to
the List (a status, a note) stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapter.eligibility.trial import Trial
from adapter.fhir.systems import BASE
from adapter.resources import names
from adapter.resources.shape import Resource, Value, built, coded, reference

CODE = ("https://fhir.miracum.org/uc1/CodeSystem/screeningList", "screening-recommendations")
BELONGS_TO = "https://fhir.miracum.org/uc1/StructureDefinition/belongsToStudy"
_FLAG = [
    {
        "system": "https://fhir.miracum.org/uc1/CodeSystem/system-determined-subject-status",
        "code": "ineligible",
        "display": "Ineligible",
    },
    {"system": f"{BASE}/CodeSystem/candidate-flag", "code": "dropped-out", "display": "No longer a candidate"},
]
"""recruIT's own flag, then ours."""
_OURS = ("resourceType", "id", "meta", "text", "extension", "mode", "title", "code", "date", "source", "entry")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ResearchSubject, the day on which it was looked at, and whether the patient may still take part."""

    subject: str
    day: str
    fits: bool


def candidates(trial: Trial, found: Sequence[Candidate], held: Resource | None) -> Resource | None:
    """The List after this run; None where there is nobody to list. `held` is the List as the sink has it."""
    before = {_subject_of(entry): entry for entry in _entries(held)}
    entries = dict(before)
    for one in sorted(found, key=lambda c: c.subject):
        if one.fits or one.subject in entries:
            entries[one.subject] = _entry(one, entries.get(one.subject))
    if not entries:
        return None
    changed = [one.day for one in found if entries.get(one.subject) != before.get(one.subject)]
    dates = [*changed, *([str(held["date"])] if held and "date" in held else [])]
    people = {name: value for name, value in (held or {}).items() if name not in _OURS}
    return built(
        "List",
        names.candidates(trial).partition("/")[2],
        "trial-candidates",
        {
            "extension": [
                {"url": BELONGS_TO, "valueReference": reference(names.research_study(trial)) | {"display": trial.id}}
            ],
            "status": "current",
            **people,
            "mode": "working",
            "title": f"Candidates of {trial.id}",
            "code": coded(*CODE),
            "date": max(dates, default=""),
            "source": reference(names.device(trial)),
            "entry": [entries[key] for key in sorted(entries)],
        },
    )


def _entry(one: Candidate, held: Resource | None) -> Resource:
    """The day of the first entry stays; our flag comes and goes with the screening, one of a person stays."""
    flag: dict[str, Value] = {} if one.fits else {"flag": {"coding": _FLAG}}
    if one.fits and held and "flag" in held and held["flag"] != {"coding": _FLAG}:
        flag = {"flag": held["flag"]}
    day = str(held.get("date", "")) if held else ""
    return flag | {"date": day or one.day, "item": reference(one.subject)}


def _entries(held: Resource | None) -> list[Mapping[str, Value]]:
    entries = held.get("entry") if held else None
    many = entries if isinstance(entries, Sequence) and not isinstance(entries, str) else []
    return [entry for entry in many if isinstance(entry, Mapping)]


def _subject_of(entry: Resource) -> str:
    item = entry.get("item")
    return str(item.get("reference", "")) if isinstance(item, Mapping) else ""
