"""What the tables of the exclusion criteria share: days before the as-of date, and short ways to write a row.

A row of an exclusion has every resource type read completely, unless it says otherwise: silence then means
absence, and only the record decides. Rows about silence name what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from tests.builders import Json, attestation, code, questionnaire_response
from tests.spec.table import AS_OF, Row

MEDICATIONS = ("MedicationAdministration", "MedicationStatement", "MedicationDispense", "MedicationRequest")
NOTHING: tuple[str, ...] = ()

NAMELESS = code("local", "D-4711")
"""A local code that no table knows, without a display and without a text."""


def ago(days: int) -> str:
    """The day so many days before 22 November 2026, which is the screening day where none is given."""
    return (date.fromisoformat(AS_OF) - timedelta(days=days)).isoformat()


def ahead(days: int) -> str:
    return ago(-days)


def yes(says: str, *records: Json, reason: str | None = None, **options: Any) -> Row:
    return Row(says, records, "yes", reason, {"complete": "all"} | options)


def no(says: str, *records: Json, reason: str | None = None, **options: Any) -> Row:
    return Row(says, records, "no", reason, {"complete": "all"} | options)


def unknown(reason: str, says: str, *records: Json, **options: Any) -> Row:
    return Row(says, records, "unknown", reason, {"complete": "all"} | options)


def judged(says: str, *records: Json, **options: Any) -> Row:
    """A person has to decide."""
    return unknown("needs-judgement", says, *records, **options)


def each(
    row: Callable[[str, Json], Row],
    says: str,
    named: Iterable[tuple[str, Json]],
    record: Callable[[Json], Json],
) -> list[Row]:
    """One row for each named concept: ``{}`` in ``says`` is its name, ``record`` puts it into a resource."""
    return [row(says.format(name), record(concept)) for name, concept in named]


def listed(system: str, *codes: str) -> list[tuple[str, Json]]:
    """Codes of one system with the name that a row shows: ``("ATC L01FA01", ...)``."""
    return [(f"{system.upper()} {one}", code(system, one)) for one in codes]


def attested(criterion: str, *proof: Json) -> list[Row]:
    """What a clinician's word does where the record is silent, and against records that prove it."""
    denied, affirmed = attestation(criterion, False, ago(3)), attestation(criterion, True, ago(3))
    old_denial = attestation(criterion, False, ago(31))
    against = [
        unknown(
            "conflict",
            "the record proves it, and a doctor says 3 days ago that it does not hold",
            *proof,
            denied,
        ),
        yes("the record proves it, and the doctor's no is 31 days old", *proof, old_denial),
    ]
    return [
        no("nothing is covered; a doctor said 3 days ago: no", denied, reason="attested", complete=NOTHING),
        yes("all is covered and silent; a doctor said 3 days ago: yes", affirmed, reason="attested"),
        unknown("stale", "nothing is covered; a doctor said 31 days ago: no", old_denial, complete=NOTHING),
        no("all is covered and silent; a doctor said 31 days ago: yes", attestation(criterion, True, ago(31))),
        no(
            "nothing is covered; a questionnaire of this trial answered 3 days ago: no",
            questionnaire_response({criterion: False}, ago(3)),
            reason="attested",
            complete=NOTHING,
        ),
        *(against if proof else []),
    ]
