"""The later of two versions of a resource is used, whatever its `meta` says."""

import pytest

from adapter.screen import screen_bundle
from tests.builders import Json, also, as_json, bundle, loinc, observation, quantity
from tests.laws.records import TODAY, trial


def told(first: Json, second: Json) -> tuple[str, list[str]]:
    """The value in use of two versions, and the notes of older versions."""
    records = [
        also(observation(loinc("2890-2"), quantity(value, "g/g"), on="2026-11-12", id="o1"), meta=meta)
        for value, meta in (("1.5", first), ("0.2", second))
    ]
    (found,) = screen_bundle(as_json(bundle(*records)), trial(), as_of=TODAY)
    facts = found.record.named("urine-protein-creatinine-ratio")
    return facts[0].source.written, [issue.problem for issue in found.issues if issue.path == "meta"]


@pytest.mark.parametrize(
    ("older", "later"),
    [
        ({"versionId": "9"}, {"versionId": "10"}),
        ({"lastUpdated": "2026-11-12T10:00:00+08:00"}, {"lastUpdated": "2026-11-12T03:00:00Z"}),
        ({"versionId": "9" * 5000}, {"versionId": "2"}),
        ({"lastUpdated": "0001-01-01T00:00:00+14:00"}, {"lastUpdated": "2026-11-12T03:00:00Z"}),
        ({"lastUpdated": "9999-12-31T23:59:59-12:00"}, {"versionId": "1"}),
    ],
)
def test_the_later_version_is_used_and_the_older_one_told(older: Json, later: Json) -> None:
    assert told(older, later)[0] == "0.2 g/g"
    value, notes = told(later, older)
    assert value == "1.5 g/g" and len(notes) == 1 and "older version" in notes[0]
