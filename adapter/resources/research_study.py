"""ResearchStudy, its Group of criteria, and what stands for the site and this program. FHIR R4."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from adapter.assignment.arms import Arms
from adapter.eligibility.trial import Trial
from adapter.errors import MappingError
from adapter.fhir.files import load_json
from adapter.resources import names
from adapter.resources.shape import URI, Resource, Value, built, reference

_ORDER = [
    *("resourceType", "id", "meta", "text", "identifier", "title", "protocol", "partOf", "status"),
    *("primaryPurposeType", "phase", "category", "focus", "condition", "contact", "relatedArtifact", "keyword"),
    *("location", "description", "enrollment", "period", "sponsor", "principalInvestigator", "site"),
    *("reasonStopped", "note", "arm", "objective"),
]
"""The elements of ResearchStudy in the order of the specification."""


def research_study(trial: Trial, arms: Arms, identifiers: Sequence[tuple[str, str]] = ()) -> Resource:
    """The `study.json` of the trial's folder, joined with its arms, protocol and criteria. `identifiers`: system and
    value of what registry and sponsor gave, from the configuration.
    """
    source = _loaded(trial.folder / "study.json", "ResearchStudy")
    own = source.get("identifier")
    listed = list(own) if isinstance(own, list) else []
    canonical: Value = {"system": URI, "value": trial.study.canonical}
    given: list[Value] = [{"system": system, "value": value} for system, value in identifiers]
    joined: dict[str, Value | None] = {
        **source,
        "identifier": [*([] if canonical in listed else [canonical]), *listed, *given],
        "protocol": [reference(names.plan_definition(trial, arm)) for arm in arms.all],
        "enrollment": [reference(names.group(trial))],
        "arm": [{"name": arm.name, "type": {"text": arm.type}, "description": arm.sentence} for arm in arms.all],
    }
    unknown = sorted(joined.keys() - set(_ORDER))
    if unknown:
        raise MappingError(f"{trial.folder / 'study.json'}: R4 ResearchStudy has no {', '.join(unknown)}")
    ordered = {name: joined[name] for name in _ORDER[3:] if name in joined}
    return built("ResearchStudy", trial.id, "trial-research-study", ordered)


def group(trial: Trial) -> Resource:
    """The criteria: one characteristic each, the protocol's sentence as its text; an exclusion has `exclude`."""
    return built(
        "Group",
        names.group(trial).partition("/")[2],
        "trial-group",
        {
            "active": True,
            "type": "person",
            "actual": False,
            "name": f"{trial.id}: eligibility criteria",
            "characteristic": [
                {
                    "code": {
                        "coding": [
                            {"system": trial.study.attestation, "code": criterion.id, "display": criterion.title}
                        ],
                        "text": criterion.sentence,
                    },
                    "valueBoolean": True,
                    "exclude": criterion.kind == "exclusion",
                }
                for criterion in trial.criteria
            ],
        },
    )


def sites(trial: Trial) -> Iterator[Resource]:
    """Organization and Location of the sites, from `sites/*.json` of the trial's folder; organizations first."""
    found = [_loaded(path) for path in sorted((trial.folder / "sites").glob("*.json"))]
    for kind, profile in (("Organization", "trial-organization"), ("Location", "trial-location")):
        for one in found:
            if one["resourceType"] == kind:
                yield built(kind, str(one["id"]), profile, {k: v for k, v in one.items() if k not in _ORDER[:3]})


def device(trial: Trial, program: str) -> Resource:
    """This program, as author of plans and source of the List."""
    return built(
        "Device",
        names.device(trial).partition("/")[2],
        "trial-device",
        {
            "status": "active",
            "deviceName": [{"name": "trial-adapter", "type": "user-friendly-name"}],
            "version": [{"value": program}],
        },
    )


def _loaded(path: Path, *kinds: str) -> dict[str, Value]:
    """A resource of the trial's folder. Raises MappingError where it is none."""
    found = cast(dict[str, Value], load_json(path, cast(type[dict[str, Any]], dict)))
    wanted = kinds or ("Organization", "Location")
    if found.get("resourceType") not in wanted or not isinstance(found.get("id"), str):
        raise MappingError(f"{path}: a FHIR {' or '.join(wanted)} with an id must stand here")
    return found
