"""Plasmapheresis, plasma exchange or immunoadsorption within 12 weeks before screening."""

from __future__ import annotations

import pytest

from tests.builders import Json, attestation, code, codes, procedure, words
from tests.spec.exclusion_builders import (
    NAMELESS,
    NOTHING,
    ago,
    ahead,
    attested,
    each,
    judged,
    no,
    unknown,
    yes,
)
from tests.spec.table import Row, check, label, table

ID = "exc-apheresis"
PLASMAPHERESIS = code("snomed", "20720000")


def done(what: Json, on: str | None = None) -> Json:
    return procedure(what, on or ago(20))


WINDOW = [
    yes("plasmapheresis 84 days before screening", done(PLASMAPHERESIS, ago(84))),
    no(
        "plasmapheresis 85 days before screening, covered",
        done(PLASMAPHERESIS, ago(85)),
        reason="outside-window",
    ),
    yes("plasmapheresis on the day of screening", done(PLASMAPHERESIS, ago(0))),
    no("plasmapheresis dated tomorrow", done(PLASMAPHERESIS, ahead(1))),
    yes(
        "screening 2026-10-01, done 84 days before it",
        done(PLASMAPHERESIS, "2026-07-09"),
        screening_date="2026-10-01",
    ),
    no(
        "screening 2026-10-01, done 85 days before it",
        done(PLASMAPHERESIS, "2026-07-08"),
        screening_date="2026-10-01",
    ),
    yes(
        "screening 2026-10-01, done 2026-11-01",
        done(PLASMAPHERESIS, "2026-11-01"),
        screening_date="2026-10-01",
    ),
    no(
        "the same, and what comes after screening is ignored",
        done(PLASMAPHERESIS, "2026-11-01"),
        screening_date="2026-10-01",
        readings={"after-anchor": "ignored"},
    ),
    no(
        "screening 2026-10-01, randomised 2026-10-20, done the day after",
        done(PLASMAPHERESIS, "2026-10-21"),
        screening_date="2026-10-01",
        randomisation_date="2026-10-20",
    ),
    yes("a course that ended 84 days before screening", procedure(PLASMAPHERESIS, (ago(100), ago(84)))),
    no("a course that ended 85 days before screening", procedure(PLASMAPHERESIS, (ago(100), ago(85)))),
    yes(
        "a course that began 100 days ago and has no end",
        procedure(PLASMAPHERESIS, (ago(100), None), status="in-progress"),
    ),
    yes("plasmapheresis in 2026-09", done(PLASMAPHERESIS, "2026-09")),
    unknown(
        "partial-date",
        "plasmapheresis in 2026-08, which the window's first day cuts",
        done(PLASMAPHERESIS, "2026-08"),
    ),
    no("plasmapheresis in 2026-07", done(PLASMAPHERESIS, "2026-07")),
    unknown("undated", "plasmapheresis without a date", procedure(PLASMAPHERESIS, None)),
    unknown(
        "undated",
        "plasmapheresis 'last summer', in words",
        procedure(PLASMAPHERESIS, None, performedString="last summer"),
    ),
    unknown(
        "not-covered",
        "plasmapheresis on 2026-02-30: the record cannot be read, so procedures were not all read",
        done(PLASMAPHERESIS, "2026-02-30"),
    ),
]

STATUSES = [
    *[
        yes(f"status {status}", procedure(PLASMAPHERESIS, ago(20), status=status))
        for status in ("completed", "in-progress", "stopped")
    ],
    *[
        no(f"status {status}", procedure(PLASMAPHERESIS, ago(20), status=status))
        for status in ("preparation", "not-done", "entered-in-error")
    ],
    *[
        judged(f"status {status}", procedure(PLASMAPHERESIS, ago(20), status=status))
        for status in ("on-hold", "unknown")
    ],
    judged("status missing", procedure(PLASMAPHERESIS, ago(20), status=None)),
    no("status on-hold, 85 days before screening", procedure(PLASMAPHERESIS, ago(85), status="on-hold")),
]

SILENCE = [
    no("no record, all types covered", reason="no-record"),
    no("no record, Procedure covered", complete=["Procedure"]),
    unknown("not-covered", "no record, nothing covered", complete=NOTHING),
    unknown("not-covered", "no record, only Condition covered", complete=["Condition"]),
    unknown(
        "not-covered",
        "the site says that it keeps no procedures: that is for medication types only",
        complete=["Condition"],
        not_kept=["Procedure"],
    ),
    unknown(
        "not-covered",
        "plasmapheresis 85 days before, nothing covered",
        done(PLASMAPHERESIS, ago(85)),
        complete=NOTHING,
    ),
    yes("plasmapheresis 20 days ago, nothing covered", done(PLASMAPHERESIS), complete=NOTHING),
]

NAMES = [
    *each(
        yes,
        "{} counts",
        [
            ("ICD-10-PCS 6A550Z3 pheresis of plasma, single", code("icd10pcs", "6A550Z3")),
            ("ICD-10-PCS 6A551Z3 pheresis of plasma, multiple", code("icd10pcs", "6A551Z3")),
            ("ICD-9-CM 99.71 therapeutic plasmapheresis", code("icd9cm", "99.71")),
            ("ICD-9-CM 99.76 extracorporeal immunoadsorption", code("icd9cm", "99.76")),
            ("ICD-9-CM 9971, written without its dot", code("icd9cm", "9971")),
            ("ICD-9-CM 9976, written without its dot", code("icd9cm", "9976")),
            ("CPT 36514", code("cpt", "36514")),
            ("CPT 36516", code("cpt", "36516")),
            ("血浆置换", words("血浆置换")),
            ("免疫吸附", words("免疫吸附")),
            ("plasmapheresis as text", words("Plasmapheresis")),
            ("plasma exchange as text", words("plasma exchange")),
            ("immunoadsorption as text", words("immunoadsorption")),
            ("a local code with the text 血浆置换", code("local", "P-7", text="血浆置换")),
            (
                "a broad apheresis code beside plasmapheresis",
                codes(("snomed", "127788007"), ("snomed", "20720000")),
            ),
        ],
        done,
    ),
    *each(
        judged,
        "{} is for a person to judge",
        [
            ("apheresis of no stated kind (SNOMED 127788007)", code("snomed", "127788007")),
            ("hemoperfusion (SNOMED 233591003)", code("snomed", "233591003")),
        ],
        done,
    ),
    no("apheresis of no stated kind, 85 days before", done(code("snomed", "127788007"), ago(85))),
    *each(
        no,
        "{} does not count",
        [
            ("leukapheresis (ICD-10-PCS 6A550Z1)", code("icd10pcs", "6A550Z1")),
            ("hemodialysis (ICD-10-PCS 5A1D70Z)", code("icd10pcs", "5A1D70Z")),
            ("血液透析 (hemodialysis)", words("血液透析")),
            ("hemodialysis as text", words("hemodialysis")),
            ("leukapheresis as text", words("leukapheresis")),
            ("plasma donation", words("plasma donation")),
            ("kidney biopsy (SNOMED 274358005)", code("snomed", "274358005")),
        ],
        done,
    ),
    unknown("unmapped-code", "血液净化 (blood purification) alone", done(words("血液净化"))),
    no("血液净化 85 days before screening", done(words("血液净化"), ago(85))),
    no("血液净化 not done", procedure(words("血液净化"), ago(20), status="not-done")),
    yes("血液净化 as text of the code for plasmapheresis", done(code("snomed", "20720000", text="血液净化"))),
    unknown("unmapped-code", "a text that only contains the word: 血浆置换第三次", done(words("血浆置换第三次"))),
    unknown(
        "unmapped-code",
        "an unknown code displayed as plasma exchange: a display never proves",
        done(code("local", "P-8", "plasma exchange")),
    ),
    unknown("unmapped-code", "a procedure with a local code and no name", done(NAMELESS)),
    no("a procedure with a local code and no name, 85 days before", done(NAMELESS, ago(85))),
    no("a procedure with a local code named chest X-ray", done(code("local", "P-9", "chest X-ray"))),
]

ROWS = table(
    ID,
    "Plasmapheresis or immunoadsorption within 12 weeks before screening",
    [
        *WINDOW,
        *STATUSES,
        *SILENCE,
        *NAMES,
        *attested(ID, done(PLASMAPHERESIS)),
        no(
            "血液净化; the doctor says no",
            done(words("血液净化")),
            attestation(ID, False, ago(3)),
            reason="attested",
        ),
    ],
)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_apheresis(row: Row) -> None:
    check(row)
