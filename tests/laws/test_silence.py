"""What is said once of all who have nothing that a criterion asks for is what would be said of each."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from adapter.eligibility.context import Anchor, Context
from adapter.eligibility.screening import Asked, screen
from adapter.eligibility.silence import silence
from adapter.facts.collect import Collector
from adapter.facts.model import PatientRecord
from adapter.fhir.dates import Calendar
from adapter.screen import Site
from adapter.sources.bundle import read_document
from tests.builders import Json, as_json, bundle, patient
from tests.laws.records import TODAY, cohort, specification, trial, written


def gathered() -> Iterator[tuple[Json, ...]]:
    """The cohort, each of its patients with one resource left out, and rows of the specification."""
    for resources in cohort().values():
        yield resources
        yield from (resources[:n] + resources[n + 1 :] for n in range(len(resources)))
    for rows in specification().values():
        yield from ((patient(), *row) for row in rows[::7])


def records(complete: frozenset[str]) -> Iterator[PatientRecord]:
    vocabulary = trial().vocabulary(Calendar(Site().zone))
    for resources in gathered():
        yield from Collector(vocabulary, complete).records(read_document(as_json(bundle(*resources))))


@pytest.mark.parametrize("complete", [frozenset[str](), frozenset("*"), frozenset({"Condition", "Procedure"})])
def test_a_trial_that_has_screened_before_says_the_same(complete: frozenset[str]) -> None:
    used, asked = replace(trial()), Asked(TODAY)
    for record in records(complete):
        fresh = screen(record, replace(trial()), asked, {})
        screen(record, used, asked, {})  # twice, so that the situation is known
        assert written(screen(record, used, asked, {})) == written(fresh)


def test_what_depends_on_the_person_is_never_said_once_for_all() -> None:
    day = TODAY.toordinal()
    anchors = {name: Anchor(day, True) for name in ("consent", "screening", "randomisation")}
    context = Context(PatientRecord(""), trial().readings, anchors, day, day)
    found = {criterion.id for criterion in trial().criteria if silence(criterion.holds.find, context) is None}
    assert found >= {"inc-age", "inc-consent", "inc-contraception", "inc-pregnancy-tests", "exc-pregnant-or-lactating"}
    assert len(found) < len(trial().criteria) / 2
