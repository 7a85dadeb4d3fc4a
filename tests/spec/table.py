"""The tables of the specification, and the one check that reads them.

A file of this folder holds the rows of one criterion::

    rows = table("inc-age", "Age at consent", [Row("born 1990-05-01", [patient(born="1990-05-01")], "yes")])

    @pytest.mark.parametrize("row", rows, ids=label)
    def test_age(row: Row) -> None:
        check(row)

A row reads like a line of the protocol's appendix: what the record says, the truth of the criterion's own
sentence, and for an ``unknown`` its reason. Unless it brings its own Patient the record is that of a
woman born on 1 May 1990; unless it says otherwise the day is 22 November 2026, no anchor is given,
nothing is complete.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.builders import (
    TRIAL,
    Json,
    as_json,
    attestation,
    bundle,
    code,
    observation,
    patient,
    questionnaire_response,
)

AS_OF = "2026-11-22"
DATES = ("as_of", "consent_date", "screening_date", "randomisation_date")
OPTIONS = {*DATES, "complete", "not_kept", "readings", "no_patient"}


@dataclass(frozen=True)
class Row:
    """One line of a table.

    ``options``: ``as_of``, ``consent_date``, ``screening_date``, ``randomisation_date`` (dates as text),
    ``complete`` (types or ``"all"``), ``not_kept`` (types), ``readings`` (name -> option), ``no_patient``
    (true: the records alone, without a Patient resource).
    """

    says: str
    records: Sequence[Json]
    truth: str
    reason: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    criterion: str = ""

    def __post_init__(self) -> None:
        unknown = set(self.options) - OPTIONS
        if unknown:
            raise ValueError(f"{self.says}: no such option: {sorted(unknown)}; there are {sorted(OPTIONS)}")
        if self.truth not in ("yes", "no", "unknown") or (self.truth == "unknown" and self.reason is None):
            raise ValueError(f"{self.says}: the truth is yes, no or unknown, and an unknown has a reason")


@dataclass(frozen=True)
class Table:
    criterion: str
    title: str
    rows: tuple[Row, ...]


TABLES: dict[str, Table] = {}
"""Criterion id -> its table, filled as the files of this folder are imported."""


def table(criterion: str, title: str, rows: Iterable[Row]) -> list[Row]:
    """Registers the rows of a criterion, and returns them knowing which criterion they are about."""
    named = [_named(criterion, row) for row in rows]
    says = [row.says for row in named]
    twice = sorted({line for line in says if says.count(line) > 1})
    if twice:
        raise ValueError(f"{criterion}: these lines stand there twice: {twice}")
    TABLES[criterion] = Table(criterion, title, tuple(named))
    return named


def label(row: Row) -> str:
    """The name of a row's test."""
    return row.says


def check(row: Row) -> None:
    """The screening of the row's record answers what the row expects."""
    screening = screened(row)
    result = next(one for one in screening["criteria"] if one["id"] == row.criterion)
    got = (result["truth"], result["reason"])
    expected = (row.truth, row.reason if row.reason is not None else got[1])
    assert got == expected, _told(row, result, screening["issues"])


def screened(row: Row) -> Any:
    """The screening of the row's one patient, as the JSON object that the command prints."""
    import adapter

    stands_alone = row.options.get("no_patient") or _has_patient(row.records)
    records = row.records if stands_alone else [patient(), *row.records]
    settings = {name: row.options[name] for name in ("complete", "not_kept") if name in row.options}
    days = {name: date.fromisoformat(row.options[name]) for name in DATES if name in row.options}
    trial = _trial(tuple(sorted(row.options.get("readings", {}).items())))
    moment = {"as_of": date.fromisoformat(AS_OF)} | days
    (screening,) = adapter.screen_bundle(as_json(bundle(*records)), trial, **moment, **settings)
    return screening.to_dict()


@functools.cache
def _trial(readings: tuple[tuple[str, str | int], ...]) -> Any:
    import adapter

    return adapter.load_trial(TRIAL, readings=dict(readings) or None)


def attestation_rows(criterion: str, silent: str, records: Sequence[Json] = ()) -> list[Row]:
    """What an attestation does where ``records`` leave a criterion ``unknown`` for the reason ``silent``."""

    def says(holds: bool, on: str = "2026-11-20", **how: Any) -> Json:
        return attestation(criterion, holds, on, **how)

    def answers(holds: bool, on: str = "2026-11-20", **how: Any) -> Json:
        return questionnaire_response({criterion: holds}, on, **how)

    def row(words: str, given: Sequence[Json], truth: str, reason: str, **options: Any) -> Row:
        return Row(words, [*records, *given], truth, reason, options)

    longer = {"attestation-days": 60}
    return [
        row("attested: it holds", [says(True)], "yes", "attested"),
        row("attested: it does not hold", [says(False)], "no", "attested"),
        row("attested 30 days ago", [says(True, "2026-10-23")], "yes", "attested"),
        row("attested 31 days ago", [says(True, "2026-10-22")], "unknown", "stale"),
        row("attested 31 days ago, 60 allowed", [says(True, "2026-10-22")], "yes", "attested", readings=longer),
        row("attested in the future", [says(True, "2026-11-23")], "unknown", silent),
        row("attested by the patient", [says(True, by="Patient/p1")], "unknown", silent),
        row("attested by a relative", [says(True, by="RelatedPerson/r1")], "unknown", silent),
        row("attested by nobody named", [says(True, by=None)], "yes", "attested"),
        row("attestation preliminary", [says(True, status="preliminary")], "unknown", silent),
        row("attestation entered in error", [says(True, status="entered-in-error")], "unknown", silent),
        row("attested both ways on one day", [says(True), says(False)], "unknown", "conflict"),
        row("attested yes, later no", [says(True, "2026-11-10"), says(False)], "no", "attested"),
        row("attested no, later yes", [says(False, "2026-11-10"), says(True)], "yes", "attested"),
        row(
            "the criterion's id as a code of another system",
            [observation(code("local", criterion), True, on="2026-11-20")],
            "unknown",
            silent,
        ),
        row("questionnaire: yes", [answers(True)], "yes", "attested"),
        row("questionnaire: no", [answers(False)], "no", "attested"),
        row("questionnaire: yes, 31 days ago", [answers(True, "2026-10-22")], "unknown", "stale"),
        row("questionnaire: yes, nested in a group", [answers(True, nested=True)], "yes", "attested"),
        row("questionnaire amended: yes", [answers(True, status="amended")], "yes", "attested"),
        row("questionnaire in progress: yes", [answers(True, status="in-progress")], "unknown", silent),
        row("questionnaire not named: yes", [answers(True, questionnaire=None)], "yes", "attested"),
        row(
            "questionnaire of something else: yes",
            [answers(True, questionnaire="http://hospital.example/Questionnaire/intake")],
            "unknown",
            silent,
        ),
        row("questionnaire by the patient: yes", [answers(True, by="Patient/p1")], "unknown", silent),
    ]


def _named(criterion: str, row: Row) -> Row:
    return Row(row.says, row.records, row.truth, row.reason, row.options, criterion)


def _has_patient(records: Sequence[Json]) -> bool:
    return any(record.get("resourceType") == "Patient" for record in records)


def _told(row: Row, result: Mapping[str, Any], issues: Sequence[object]) -> str:
    evidence = [
        f"  {one['reference']} {one['path']} = {one['value']} ({one.get('used')})" for one in result["evidence"]
    ]
    return "\n".join(
        [
            f"{row.criterion}: {row.says}",
            f"expected {row.truth} / {row.reason}, got {result['truth']} / {result['reason']}",
            f"it says: {result['explanation']}",
            f"with: {dict(row.options)}",
            *(["evidence:", *evidence] if evidence else ["no evidence"]),
            *[f"issue: {issue}" for issue in issues],
        ]
    )
