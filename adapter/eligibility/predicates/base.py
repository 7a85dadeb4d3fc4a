"""What every predicate is: settings from `criteria.yaml`, and `find`, which asks the context and answers with a
Finding.
"""

from typing import Protocol

import msgspec

from adapter.eligibility.context import Context
from adapter.eligibility.finding import Finding


class Predicate(Protocol):
    """A question to the facts of one patient. Pure: the same context gives the same finding."""

    def find(self, context: Context) -> Finding:
        """The answer, with its reason, its sentence and its evidence."""
        ...


class Settings(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """The keys of one predicate in `criteria.yaml`; an unknown key is refused."""
