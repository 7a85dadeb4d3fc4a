"""The tree of errors, and the issue: a fault of the data that never ends a run.

    AdapterError            shown without a traceback
    ├── UsageError          a wrong call or configuration: exit code 2
    ├── MappingError        a file under mappings/ is wrong: names file and line, exit code 2
    ├── ServerError         a FHIR server or token server failed or refused: exit code 3
    └── StoreError          the database of the sync failed: exit code 3

A fault of a record is not an exception that travels: it becomes an `Issue`, and the rest of the input goes on.
`UnreadableError` is raised inside a mapper or decoder and is turned into an `Issue` where the resource is known.
"""

from typing import Literal

import msgspec


class AdapterError(Exception):
    """Something the caller can mend; its text says what is wrong, where, and what to do."""


class UsageError(AdapterError):
    """A wrong call: the message says what to write instead."""


class MappingError(AdapterError):
    """A mapping or trial file that cannot be used; the message begins with file and line."""


class ServerError(AdapterError):
    """A server could not be reached, refused or answered nonsense. `status` is the HTTP status, None without one."""

    def __init__(self, told: str, status: int | None = None) -> None:
        super().__init__(told)
        self.status = status


class StoreError(AdapterError):
    """The store cannot be opened, read or written."""


class UnreadableError(Exception):
    """One element of one resource cannot be used, so the resource cannot: `path` is relative to the resource."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


class Issue(msgspec.Struct, frozen=True, gc=False, order=True):
    """A fault met in the data. `error`: it could not be used (exit code 1); `note`: used or set aside, and told."""

    severity: Literal["error", "note"]
    reference: str
    path: str
    problem: str
    file: str = ""
    line: int = 0

    def to_dict(self) -> dict[str, str]:
        """The shape inside a screening: severity, reference, path, problem."""
        return {
            "severity": self.severity,
            "reference": self.reference,
            "path": self.path,
            "problem": self.problem,
        }
