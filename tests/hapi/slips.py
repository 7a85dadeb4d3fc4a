"""Resources as they are written for a trial, one of each type, and what makes them wrong."""

import copy
import json
from decimal import Decimal
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))

Object = dict[str, Any]

GONE = object()
"""Instead of a value: the element is removed."""


class Slip(NamedTuple):
    """An example, what is put at which place of it, and why it is wrong."""

    example: str
    path: str
    value: object
    why: str


def example(name: str) -> Object:
    """One of `examples/`, its numbers as they are in the program."""
    found: Object = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"), parse_float=Decimal)
    return found


def changed(slip: Slip) -> Object:
    """The example with the slip in it; a path is `activity.0.reference`."""
    resource = copy.deepcopy(example(slip.example))
    *above, last = [int(step) if step.isdigit() else step for step in slip.path.split(".")]
    place: Any = reduce(getitem, above, resource)  # type: ignore[arg-type]
    if slip.value is GONE:
        del place[last]
    else:
        place[last] = slip.value
    return resource


_REPEAT = "dosageInstruction.0.timing.repeat"
_DOSE = "dosageInstruction.0.doseAndRate.0"
_SCRIPT = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>no()</script></div>'}
_ORPHAN = {"resourceType": "Device", "id": "orphan"}
_UNKNOWN = {"url": "https://trial-adapter.example/unknown", "valueString": "yes"}

ONLY_HAPI_SEES = [
    # A rule between elements of one resource: an invariant, in FHIRPath, which neither judge evaluates.
    (Slip("MedicationRequest-il2", f"{_REPEAT}.periodUnit", GONE, "a period without a unit"), "tim-2"),
    (Slip("CarePlan", "period.end", "2020-01-01", "ends before it starts"), "per-1"),
    (Slip("CarePlan", "activity.0.detail", {"status": "scheduled"}, "both a reference and a detail"), "cpl-3"),
    (Slip("Group", "characteristic.0.valueRange.low.value", 70, "the lower bound is above the upper"), "rng-2"),
    (Slip("Group", "characteristic.0.valueRange.low.system", GONE, "the code of a unit, of no system"), "qty-3"),
    (Slip("Group", "member", [{"entity": {"reference": "Patient/p1"}}], "a definition with members"), "grp-1"),
    (Slip("List", "mode", "snapshot", "dated entries in a list that nobody works on"), "lst-3"),
    (Slip("Bundle", "entry.0.request", GONE, "a transaction that does not say what to do"), "bdl-3"),
    (Slip("Questionnaire", "item.1.linkId", "exc-severe-organ-disease", "two items of one name"), "que-2"),
    (Slip("ResearchSubject", "text", _SCRIPT, "a script in the narrative"), "txt-1"),
    # A rule between places of one resource.
    (Slip("CarePlan", "author.reference", "#nobody", "points at nothing contained"), "Reference_REF_CantResolve"),
    (Slip("CarePlan", "contained", [_ORPHAN], "contained, and nothing points at it"), "CONTAINED_ORPHAN_DOM3"),
    (
        Slip("Questionnaire", "item.1.enableWhen.0.question", "no", "asks for no item"),
        "Questionnaire_Q_EnableWhen_NoTarget",
    ),
    # Terminology of a CodeableConcept or a unit: a system with thousands of codes.
    (Slip("Provenance", "activity.coding.0.code", "MAKE", "its system has no such code"), "PassThrough_TX_Message"),
    (Slip("MedicationRequest-msc", f"{_DOSE}.doseQuantity.code", "IU!", "no unit of UCUM"), "PassThrough_TX_Message"),
    # Profiles and extensions.
    (
        Slip("ResearchSubject", "extension", [_UNKNOWN], "an extension that nobody defined"),
        "Extension_EXT_Unknown_NotHere",
    ),
    (
        Slip("ResearchSubject", "meta.profile", ["https://trial-adapter.example/p"], "claims no known profile"),
        "Profile_Unknown",
    ),
]
"""What passes both judges, and the message (its id ends so) by which HAPI refuses it."""
