"""What a criterion finds where a record holds nothing that it asks for: alike for all such patients, so found once.

A predicate is pure and sees a record only through its questions. Asked of a record that holds nothing, it tells by its
questions which facts decide; whoever has none of them, and shares the rest of the context, gets the same finding.
"""

from collections.abc import Callable, Hashable
from typing import cast

import msgspec
from msgspec.structs import replace

from adapter.eligibility.context import Context
from adapter.eligibility.finding import Finding
from adapter.facts.model import Fact, PatientRecord

_NOBODY = PatientRecord("")
_MOST = 1000


class Silence(msgspec.Struct, gc=False):
    """The finding for whoever has no fact of these names, and the readings that it rests on.

    `json` is the verdict as it was written first, to be written again for the others.
    """

    names: frozenset[str]
    finding: Finding
    used: tuple[str, ...]
    json: msgspec.Raw | None = None


Silent = dict[str, Silence | None]
"""Criterion -> what it finds in silence; None where that depends on the patient all the same."""


class Silences:
    """What is known of each situation: the day, the anchors, what was read. Filled when a situation comes again."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Silent] = {}

    def known(self, situation: Hashable, ask: Callable[[], Silent]) -> Silent:
        """What every criterion finds in silence; nothing for the first patient in a situation, who may be the last."""
        found = self._known.get(situation)
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            return self._known.setdefault(situation, {})
        if not found:
            found.update(ask())
        return found


class _Listener:
    """A record that holds nothing and notes what it is asked. `personal`: not for facts alone, but for who it is."""

    def __init__(self, record: PatientRecord) -> None:
        self.covered, self.unread = record.covered, record.unread
        self.names: set[str] = set()
        self.personal = False

    def named(self, name: str) -> tuple[Fact, ...]:
        self.names.add(name)
        return ()

    def lacks(self, names: frozenset[str]) -> bool:
        self.names |= names
        return True

    def __getattr__(self, name: str) -> object:
        self.personal = True
        return getattr(_NOBODY, name)


def silence(find: Callable[[Context], Finding], context: Context) -> Silence | None:
    """What `find` answers in this context without a fact; None where that depends on more than facts, or on time."""
    listener = _Listener(context.record)
    alone = replace(context, record=cast(PatientRecord, listener), marks=set(), used=set())
    found = find(alone)
    if listener.personal or alone.marks:
        return None
    return Silence(frozenset(listener.names), found, tuple(sorted(alone.used)))
