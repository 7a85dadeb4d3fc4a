"""The protocol and the criteria say the same: every sentence is quoted from it, and every sentence of it is claimed."""

import re
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parent.parent.parent / "mappings" / "trials" / "ln-msc-il2"
CRITERIA = yaml.safe_load((FOLDER / "criteria.yaml").read_text(encoding="utf-8"))["criteria"]
READINGS = yaml.safe_load((FOLDER / "readings.yaml").read_text(encoding="utf-8"))
PROTOCOL = (FOLDER / "protocol.txt").read_text(encoding="utf-8")


def flat(text: str) -> str:
    return " ".join(text.split())


def eligibility() -> str:
    """The paragraph after the heading `Eligibility Criteria`."""
    return flat(PROTOCOL.partition("\nEligibility Criteria\n")[2].partition("\nSites / Locations\n")[0])


@pytest.mark.parametrize("criterion", CRITERIA, ids=lambda one: one["id"])
def test_the_sentence_of_a_criterion_stands_word_for_word_in_its_part_of_the_protocol(
    criterion: dict[str, str],
) -> None:
    inclusion, _, exclusion = eligibility().partition("Exclusion Criteria:")
    part = inclusion if criterion["kind"] == "inclusion" else exclusion
    assert part.count(flat(criterion["sentence"])) == 1


def test_every_sentence_of_the_protocol_is_claimed_by_a_criterion() -> None:
    left = eligibility()
    for sentence in sorted((flat(one["sentence"]) for one in CRITERIA), key=len, reverse=True):
        left = left.replace(sentence, "|")
    left = re.sub(r"(?<=\|)[.;]?(?= |$)", "", left)
    assert left == (
        "Inclusion Criteria: |: | | | | | | | "
        "Exclusion Criteria: Patients who met any of the following criteria could not be enrolled in this study: "
        "| | | | | | | or | | | | |"
    )


def test_the_criteria_stand_in_the_order_of_the_protocol() -> None:
    places = [eligibility().index(flat(one["sentence"])) for one in CRITERIA]
    assert places == sorted(places)
    assert len({one["id"] for one in CRITERIA}) == len(CRITERIA) == 20


@pytest.mark.parametrize("reading", READINGS, ids=lambda one: one["id"])
def test_the_phrase_of_a_reading_stands_in_the_protocol(reading: dict[str, str]) -> None:
    assert flat(reading["phrase"]) in flat(PROTOCOL)


def test_no_reading_is_shipped_as_signed() -> None:
    assert {(one["decided-by"], one["decided-on"]) for one in READINGS} == {(None, None)}
