"""Truth has three values and no truth value of its own: `if truth:` raises instead of guessing.

    and | Y U N     or | Y U N     not |
    ----+------     ---+------     ----+--
     Y  | Y U N      Y | Y Y Y      Y  | N
     U  | U U N      U | Y U U      U  | U
     N  | N N N      N | Y U N      N  | Y

Kleene's strong logic of indeterminacy: minimum, maximum and minus.
"""

from collections.abc import Iterable
from enum import Enum
from typing import NoReturn


class Truth(Enum):
    """Whether a sentence holds: YES, NO, or UNKNOWN."""

    YES = 1
    UNKNOWN = 0
    NO = -1

    def __and__(self, other: "Truth") -> "Truth":
        return Truth(min(self.value, other.value))

    def __or__(self, other: "Truth") -> "Truth":
        return Truth(max(self.value, other.value))

    def __invert__(self) -> "Truth":
        return Truth(-self.value)

    def __bool__(self) -> NoReturn:
        raise TypeError("a Truth has three values; compare it with Truth.YES, NO or UNKNOWN")

    def __str__(self) -> str:
        return self.name.lower()


def at_least(count: int, truths: Iterable[Truth]) -> Truth:
    """Whether at least `count` of the truths are YES: unknown as long as the unknown ones could decide it."""
    told = list(truths)
    if sum(truth is Truth.YES for truth in told) >= count:
        return Truth.YES
    return Truth.NO if sum(truth is not Truth.NO for truth in told) < count else Truth.UNKNOWN
