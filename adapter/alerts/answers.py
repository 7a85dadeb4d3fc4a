"""`mappings/alerts/answers.yaml`: when a card comes again, after what a person answered to it."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from adapter.fhir.files import data_dir, load_yaml
from adapter.fhir.tables import convert


class Effect(msgspec.Struct, frozen=True, rename={"whom": "for"}, forbid_unknown_fields=True):
    """Who does not see the card again, and until when: so many days, another state, another status, for good."""

    whom: Literal["viewer", "everybody"]
    until: int | Literal["change", "status", "never"]


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reason that a card offers to whoever does not follow it."""

    code: str
    display: str
    then: Effect


class Answers(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """The file."""

    repeat_minutes: int
    unanswered: Effect
    accepted: Effect
    overridden: Effect
    reasons: tuple[Reason, ...]

    def effect(self, outcome: str, reason: str) -> Effect:
        """What follows from an outcome (empty: none yet) and a reason, known or not."""
        if outcome != "overridden":
            return self.accepted if outcome == "accepted" else self.unanswered
        return next((one.then for one in self.reasons if one.code == reason), self.overridden)


@lru_cache(maxsize=1)
def shipped_answers() -> Answers:
    """The file as shipped. Raises MappingError where it is wrong."""
    return load_answers(data_dir() / "mappings" / "alerts" / "answers.yaml")


def load_answers(path: Path) -> Answers:
    """A file of this shape."""
    return convert(load_yaml(path)[0], Answers, path)
