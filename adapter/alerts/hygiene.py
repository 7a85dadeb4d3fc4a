"""Whether a card is worth the interruption. Pure: what was shown before is an argument.

A person sees a state once; again only when something new can be done about the patient. What somebody answered
says for whom, and for how long, the card stays away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from adapter.alerts.answers import Answers, Effect

MINUTE, DAY = 60_000_000, 86_400_000_000
"""In microseconds, as instants are."""


class State(msgspec.Struct, frozen=True):
    """What a card tells, so far as it calls for something: the status, and the criteria that somebody could settle."""

    status: str
    open: tuple[str, ...] = ()

    def is_news_after(self, other: "State") -> bool:
        """Whether there is something to do that was not there before. A criterion that was settled is no such thing."""
        return self.status != other.status or not set(self.open) <= set(other.open)


@dataclass(frozen=True, slots=True)
class Seen:
    """A card of this patient and matter that somebody saw. `answered` is an instant, None where he did not answer."""

    id: str
    at: int
    viewer: str
    state: State
    shown: bool
    closed: bool
    outcome: str
    reason: str
    answered: int | None


@dataclass(frozen=True, slots=True)
class Budget:
    """How many cards there may be in one day, of one viewer and of all, and how many there were."""

    per_viewer: int
    per_day: int
    of_viewer: int
    of_day: int

    @property
    def is_spent(self) -> bool:
        """Whether nobody, or not this viewer, should be interrupted any more today."""
        return self.of_viewer >= self.per_viewer or self.of_day >= self.per_day


@dataclass(frozen=True, slots=True)
class Decision:
    """`show` a new card, `repeat` the one of `id` (a chart drawn anew), or stay `quiet`, and why."""

    what: Literal["show", "repeat", "quiet"]
    why: str
    id: str = ""


def decide(state: State, viewer: str, now: int, seen: Sequence[Seen], answers: Answers, budget: Budget) -> Decision:
    """What to do about a state. `seen` are the cards of this patient and matter, the first one first."""
    for one in reversed(seen):
        effect = answers.effect(one.outcome, one.reason)
        concerned = effect.whom == "everybody" or one.viewer == viewer
        if concerned and _holds(effect, one, state, now):
            if one.viewer == viewer and not one.outcome and not one.closed and now - one.at < _repeat(answers):
                return Decision("repeat", "the same chart again", one.id)
            return Decision("quiet", f"{one.outcome or 'seen'}: {effect.until}")
    if budget.is_spent:
        return Decision("quiet", "budget")
    return Decision("show", "news")


def _repeat(answers: Answers) -> int:
    return answers.repeat_minutes * MINUTE


def _holds(effect: Effect, one: Seen, state: State, now: int) -> bool:
    """Whether what was seen or answered still keeps the card away."""
    if effect.until == "never":
        return True
    if isinstance(effect.until, int):
        return now - (one.answered or one.at) < effect.until * DAY
    if effect.until == "status":
        return state.status == one.state.status
    return not one.closed and not state.is_news_after(one.state)
