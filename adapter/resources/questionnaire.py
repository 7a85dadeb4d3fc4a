"""Questionnaire: what a person can attest, one item a criterion and one an instrument item. FHIR R4.

A criterion's `linkId` is its id: an answer is an attestation. Instrument items carry their own code and ask for
extraction as Observation (SDC), since only an Observation proves an item.
"""

from collections.abc import Iterator

from adapter.eligibility.parts import parts_of
from adapter.eligibility.predicates.instrument import Instrument, Scored, Total
from adapter.eligibility.trial import Trial
from adapter.fhir.systems import INSTRUMENTS
from adapter.resources.shape import Resource, Value, built, coded

_CORE = "http://hl7.org/fhir/StructureDefinition"
_EXTRACT = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-observationExtract"


def questionnaire(trial: Trial) -> Resource:
    """The Questionnaire whose canonical URL the trial's criteria name."""
    return built(
        "Questionnaire",
        trial.study.questionnaire.rpartition("/")[2],
        "trial-questionnaire",
        {
            "url": trial.study.questionnaire,
            "version": trial.digest.removeprefix("sha256:")[:12],
            "name": "".join(part.capitalize() for part in trial.id.split("-")) + "Questionnaire",
            "title": f"{trial.title}: what the record cannot know",
            "status": "active",
            "experimental": False,
            "subjectType": ["Patient"],
            "item": [_criteria(trial), *map(_instrument, _instruments(trial))],
        },
    )


def _criteria(trial: Trial) -> Resource:
    told = "Does the sentence hold of the patient? For an exclusion, yes excludes. Leave open what you cannot judge."
    return {
        "linkId": "criteria",
        "text": told,
        "type": "group",
        "item": [
            {
                "linkId": criterion.id,
                "code": [{"system": trial.study.attestation, "code": criterion.id, "display": criterion.title}],
                "text": criterion.sentence,
                "type": "boolean",
            }
            for criterion in trial.criteria
        ],
    }


def _instruments(trial: Trial) -> Iterator[Instrument]:
    parts = (part for criterion in trial.criteria for part in parts_of(criterion.holds))
    found = {p.loaded.instrument: p.loaded for p in parts if isinstance(p, Scored) and p.loaded is not None}
    yield from found.values()


def _instrument(instrument: Instrument) -> Resource:
    total = instrument.total.code
    items = [
        _item(f"{instrument.instrument}-{item.code}", f"{item.title}. {item.definition}", "boolean", item.title)
        for item in instrument.items
    ]
    points = f"{instrument.title}: documented total, {instrument.total.least} to {instrument.total.most}"
    return {
        "linkId": instrument.instrument,
        "text": instrument.title,
        "type": "group",
        "item": [_item(total, points, "integer", f"{instrument.title} total", _bounds(instrument.total)), *items],
    }


def _bounds(total: Total) -> tuple[Value, ...]:
    return (
        {"url": f"{_CORE}/minValue", "valueInteger": total.least},
        {"url": f"{_CORE}/maxValue", "valueInteger": total.most},
    )


def _item(code: str, text: str, kind: str, display: str, more: tuple[Value, ...] = ()) -> Resource:
    extract: Value = {"url": _EXTRACT, "valueBoolean": True}
    concept = coded(INSTRUMENTS, code, display)["coding"]
    return {"extension": [*more, extract], "linkId": code, "code": concept, "text": text, "type": kind}
