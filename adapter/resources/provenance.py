"""Provenance: what an assignment's resources were derived from, by which program, and who recorded it. FHIR R4."""

from collections.abc import Iterator, Mapping, Sequence

from adapter.assignment.gate import Approved, allocation_system
from adapter.assignment.records import WHO, Assignment
from adapter.eligibility.finding import Evidence, Finding
from adapter.eligibility.screening import Screening
from adapter.eligibility.trial import Trial
from adapter.fhir.systems import BASE
from adapter.resources import names
from adapter.resources.shape import Resource, Value, built, coded, key_of, reference, subject_uuid, versioned

DIGESTS = f"{BASE}/sid/digest"
_ROLES = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_CREATE = ("http://terminology.hl7.org/CodeSystem/v3-DataOperation", "CREATE", "create")


def provenance(trial: Trial, approved: Approved, targets: Sequence[Resource]) -> Resource:
    """Everything behind the resources of one assignment, with versions where the source gave them."""
    assignment = approved.assignment
    return built(
        "Provenance",
        subject_uuid(trial.id, approved.patient, "provenance"),
        "trial-provenance",
        {
            "target": [reference(key_of(target)) for target in targets],
            "recorded": assignment.instant,
            "activity": coded(*_CREATE),
            "agent": [
                _agent("assembler", "Assembler", _program(trial, approved)),
                _agent("enterer", "Enterer", _human(assignment)),
            ],
            "entity": [_assignment(trial, assignment), *_sources(approved), *_versions(approved.screening.versions)],
        },
    )


def _agent(code: str, display: str, who: Resource) -> Resource:
    return {"type": coded(_ROLES, code, display), "who": who}


def _program(trial: Trial, approved: Approved) -> Resource:
    return reference(names.device(trial)) | {"display": f"trial-adapter {approved.screening.versions['program']}"}


def _human(assignment: Assignment) -> Resource:
    """The reference that the record gives, or the name as it stands."""
    who = assignment.recorded_by
    return reference(who) if who.startswith(WHO) else {"display": who}


def _assignment(trial: Trial, assignment: Assignment) -> Resource:
    identifier: Value = {"system": allocation_system(trial.id), "value": assignment.allocation_id}
    return {"role": "source", "what": {"identifier": identifier, "display": "the randomiser's record"}}


def _sources(approved: Approved) -> Iterator[Resource]:
    """Every record that a verdict, the consent or the dose rests on."""
    found = {(e.reference, e.version) for e in _evidence(approved.screening)}
    found.add((approved.consent.source.reference, approved.consent.source.version))
    if approved.weight:
        found.add((approved.weight.source.reference, approved.weight.source.version))
    for key, version in sorted(found, key=lambda pair: (pair[0], pair[1] or "")):
        yield {"role": "source", "what": versioned(key, version)}


def _evidence(screening: Screening) -> Iterator[Evidence]:
    waiting: list[Finding] = [verdict.finding for verdict in screening.criteria]
    while waiting:
        finding = waiting.pop()
        yield from finding.evidence
        waiting += finding.children


def _versions(versions: Mapping[str, str]) -> Iterator[Resource]:
    """The digests of the rules that decided; the program's own stands with the agent."""
    for name, value in versions.items():
        if name != "program":
            yield {
                "role": "source",
                "what": {"identifier": {"system": DIGESTS, "value": value}, "display": f"{name} in force"},
            }
