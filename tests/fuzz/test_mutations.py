"""A hundred thousand broken resources: no exception, a named issue for every refusal, and nobody else is touched."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from adapter.eligibility.screening import Asked, Screening
from adapter.errors import Issue
from adapter.facts.collect import Collector
from adapter.fhir.dates import Calendar
from adapter.fhir.decode import FOREIGN_TYPES, Limits
from adapter.screen import Site, screen_bundle, screen_events
from adapter.sources.bundle import events_of, read_document
from adapter.sources.events import Event, Noticed, Record, Unreadable
from adapter.sources.export import read
from adapter.sources.resources import Where
from tests.builders import PATIENT, as_json, bundle, patient
from tests.fuzz.mutations import broken_texts
from tests.laws.records import TODAY, cohort, pool, trial, written

BATCHES, EACH = 50, 2000
SOUND = ("eligible", "zh-only", "rituximab-20-weeks", "unit-missing")
"""The patients who stand untouched among the broken ones."""

KINDS = ("lines", "bundle", "file", "lines", "bundle")


@dataclass
class Tally:
    """What became of the broken resources."""

    resources: int = 0
    records: int = 0
    refused: int = 0
    noted: int = 0
    problems: Counter[str] = field(default_factory=Counter)

    def seen(self, event: Event) -> Event:
        match event:
            case Record():
                self.records += 1
            case Unreadable(issue, _, _):
                self.refused += issue.severity == "error"
            case Noticed():
                self.noted += 1
            case Issue():
                self.refused += event.severity == "error"
        return event

    def told(self, issue: Issue) -> None:
        """An issue as a person gets it: it says what is wrong, and where."""
        assert issue.problem.strip() and (issue.reference or issue.path or issue.file), issue
        self.noted += issue.severity == "note"
        self.problems[re.sub(r"'.*?'|\d+", "_", issue.problem)] += 1


def sources(chance: Random) -> list[bytes]:
    """Sound resources of all types and dialects, of a few patients who are about to be broken."""
    chosen = [*chance.sample(pool(), 150), patient()]
    texts = [as_json(one) for one in chosen]
    for name, resources in cohort().items():
        texts += [as_json(one).replace(name.encode(), b"p1") for one in chance.sample(resources, 10)]
    return [_renamed(chance, text) for text in texts]


def _renamed(chance: Random, text: bytes) -> bytes:
    """Of one of several patients, with an id of its own, and a Medication of its own."""
    who = chance.randrange(8)
    text = text.replace(PATIENT.encode(), b"Patient/broken-%d" % who).replace(b"Medication/", b"Medication/broken-")
    tree = json.loads(text)
    tree["id"] = f"broken-{who}" if tree["resourceType"] == "Patient" else f"broken-{chance.randrange(10**9)}"
    return json.dumps(tree).encode()


def sound_texts() -> list[bytes]:
    return [as_json(one) for name in SOUND for one in cohort()[name]]


def expected() -> dict[str, bytes]:
    """What is said of the untouched patients when they are alone."""
    alone = (bundle(*cohort()[name]) for name in SOUND)
    return {
        one.patient: written(one)
        for record in alone
        for one in screen_bundle(as_json(record), trial(), as_of=TODAY, complete="all")
    }


ALONE = expected()


def events(kind: str, texts: list[bytes], folder: Path) -> Iterator[Event]:
    """The events of a batch, as its lines, as one Bundle, or as a file."""
    if kind == "bundle":
        yield from read_document(b'{"resourceType":"Bundle","type":"collection","entry":[%s]}' % entries(texts))
    elif kind == "file":
        path = folder / "batch.ndjson"
        path.write_bytes(b"\n".join(texts))
        yield from read([str(path)])
    else:
        for number, text in enumerate(texts):
            found = list(events_of(text, Where("batch", Limits()), number + 1))
            assert found or says_nothing(text), text[:500]
            yield from found


def entries(texts: list[bytes]) -> bytes:
    return b",".join(b'{"resource":%s}' % text for text in texts)


def says_nothing(text: bytes) -> bool:
    """Whether a text may be passed over in silence: a blank line, an empty Bundle, a valid type that is not read."""
    if not text.strip():
        return True
    kind = json.loads(text.decode("utf-8-sig", "replace"), strict=False)["resourceType"]
    return kind in FOREIGN_TYPES or kind == "Bundle"


def batch(number: int) -> tuple[str, list[bytes]]:
    """Broken and sound resources, mixed."""
    chance = Random(f"batch {number}")
    kind = KINDS[number % len(KINDS)]
    texts = list(broken_texts(chance, sources(chance), EACH, whole=kind == "bundle")) + sound_texts()
    chance.shuffle(texts)
    return kind, texts


def screened(number: int, tally: Tally, folder: Path) -> None:
    """Screens a batch and checks all that must hold of it."""
    kind, texts = batch(number)
    collector = Collector(trial().vocabulary(Calendar(Site().zone)), frozenset("*"))
    stream = (tally.seen(event) for event in events(kind, texts, folder))
    found: dict[str, Screening] = {
        one.patient: one for one in screen_events(stream, trial(), Asked(TODAY), collector=collector)
    }
    tally.resources += EACH
    assert {name: written(found[name]) for name in ALONE} == ALONE
    for screening in found.values():
        json.dumps(screening.to_dict(), ensure_ascii=False).encode()
        assert len(screening.criteria) == 20
    for issue in (*collector.issues, *(issue for one in found.values() for issue in one.issues)):
        tally.told(issue)


@pytest.fixture(scope="module")
def tally(tmp_path_factory: pytest.TempPathFactory) -> Tally:
    """What became of all batches; a batch that fails names its number."""
    told = Tally()
    for number in range(BATCHES):
        try:
            screened(number, told, tmp_path_factory.mktemp("batch"))
        except Exception as error:
            error.add_note(f"in batch {number} of the seeded mutations")
            raise
    return told


def test_broken_resources_raise_nothing_are_told_and_touch_nobody_else(tally: Tally) -> None:
    assert tally.resources == BATCHES * EACH == 100_000


def test_they_were_broken_in_many_ways_and_not_all_of_them_beyond_reading(tally: Tally) -> None:
    assert tally.refused > 40_000
    assert tally.records > 35_000
    assert tally.noted > 2_000
    told = " / ".join(tally.problems)
    for words in (
        "is not a date that exists",
        "no patient is named",
        "truncated",
        "not valid JSON",
        "not UTF-_",
        "nested deeper than _ levels",
        "not a FHIR resource",
        "is no FHIR R_ resource type",
        "surrogate",
        "a null in a list",
        "expected a number, got a string",
        "orders of magnitude",
        "missing; without it",
        "expected object",
    ):
        assert words in told, words


ONCE_FATAL = {
    "an exponent of twenty digits": b'"valueQuantity":{"value":1e99999999999999999999,"unit":"g/g"}',
    "a negative one": b'"valueQuantity":{"value":-1E-99999999999999999999,"unit":"g/g"}',
    "the same in an element that is not read": b'"x":1e99999999999999999999,"issued":"\\ud800"',
    "half a surrogate in the name of an element that cannot be read": b'"valueQuantity":{"value\\ud800":NaN}',
    "half a surrogate in the name of a list with a null": b'"interpretation":[{"a\\ud800":[null]}],"issued":"\\ud800"',
}


@pytest.mark.parametrize("what", ONCE_FATAL)
def test_what_once_ended_a_run_is_an_issue(what: str) -> None:
    text = (
        b'{"resourceType":"Observation","id":"o1","subject":{"reference":"Patient/p1"},"status":"final",'
        b'"code":{"coding":[{"system":"http://loinc.org","code":"2890-2"}]},%s}' % ONCE_FATAL[what]
    )
    (found,) = screen_bundle(text, trial(), as_of=TODAY)
    told = [issue for issue in found.issues if issue.reference == "Observation/o1"]
    assert told and all(issue.problem for issue in told)
    assert written(found)
