"""Who could matter: by the trial's codes, every Condition, a clinic, a Group, a List, or everybody."""

import re

import pytest

from adapter.connection import CohortSection
from adapter.sync.plan import condition_tokens, types_read
from tests.sync.site import Site
from tests.sync.story import ALL

EVERY = {key.removeprefix("Patient/") for key in ALL}
CODED = EVERY - {"zh-only", "hepatitis-b"}
"""Those whose diagnosis is coded as a server can be asked: not by a text, not by a dual code such as M32.101+N08.5*."""
FOUND = [
    (CohortSection(conditions="all"), EVERY),
    (CohortSection(conditions="codes"), CODED),
    (CohortSection(conditions="none", everybody=True), EVERY | {"nobody"}),
    (CohortSection(conditions="none", lists=("List/register",)), {"eligible", "nobody"}),
    (CohortSection(conditions="none", groups=("Group/clinic",)), {"pregnant"}),
    (CohortSection(conditions="none", clinics=("Location/nephrology",)), {"nobody"}),
    (CohortSection(conditions="codes", lists=("List/register",)), CODED | {"nobody"}),
]


@pytest.mark.parametrize(("cohort", "expected"), FOUND, ids=lambda one: None)
def test_who_could_matter(site: Site, cohort: CohortSection, expected: set[str]) -> None:
    site.put({"resourceType": "Patient", "id": "nobody"})
    site.put({"resourceType": "Location", "id": "nephrology"})
    members = [{"item": {"reference": f"Patient/{one}"}} for one in ("eligible", "nobody")]
    gone = [{"item": {"reference": "Patient/pregnant"}, "deleted": True}]
    site.put(
        {"resourceType": "List", "id": "register", "status": "current", "mode": "changes", "entry": members + gone}
    )
    inside = [
        {"entity": {"reference": "Patient/pregnant"}},
        {"entity": {"reference": "Patient/eligible"}, "inactive": True},
    ]
    site.put({"resourceType": "Group", "id": "clinic", "type": "person", "actual": True, "member": inside})
    stay = {"status": "finished", "class": {"code": "AMB"}, "subject": {"reference": "Patient/nobody"}}
    site.put(
        {
            "resourceType": "Encounter",
            "id": "e1",
            **stay,
            "location": [{"location": {"reference": "Location/nephrology"}}],
        }
    )
    site.cohort = cohort
    assert site.run() == ""
    assert {key.removeprefix("Patient/") for key in site.verdicts()} == expected


def test_a_register_that_is_not_there_is_told(site: Site) -> None:
    site.cohort = CohortSection(conditions="none", lists=("List/absent",))
    assert "List/absent of the cohort is not on the server" in site.run()


def test_the_codes_are_those_of_the_mappings(site: Site) -> None:
    found = condition_tokens(site.rules.trial)
    assert {"http://snomed.info/sct|68815009", "M32.14", "M32.1", "M32.101", "M32", "N08.5"} <= found
    assert not any(re.match(r"M32\.0", code) for code in found), "drug-induced lupus"


def test_the_types_are_those_that_a_criterion_or_the_gate_reads(site: Site) -> None:
    found = types_read(site.rules.trial, ["MedicationDispense"])
    assert found[0] == "Patient" and "MedicationDispense" not in found and "Medication" not in found
    assert {"Observation", "Condition", "MedicationRequest", "Consent", "ResearchSubject", "Procedure"} <= set(found)
