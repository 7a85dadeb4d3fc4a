"""Major surgery within 12 weeks before screening, or planned."""

from __future__ import annotations

import pytest

from tests.builders import (
    Json,
    appointment,
    attestation,
    code,
    procedure,
    service_request,
    words,
)
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

ID = "exc-major-surgery"
APPENDECTOMY = code("icd10pcs", "0DTJ4ZZ")
SURGERY = code("snomed", "387713003")


def done(what: Json, on: str | None = None) -> Json:
    return procedure(what, on or ago(20))


WINDOW = [
    yes("resection of the appendix 84 days before screening", done(APPENDECTOMY, ago(84))),
    no(
        "resection of the appendix 85 days before, covered",
        done(APPENDECTOMY, ago(85)),
        reason="outside-window",
    ),
    yes("on the day of screening", done(APPENDECTOMY, ago(0))),
    no("dated tomorrow", done(APPENDECTOMY, ahead(1))),
    yes(
        "screening 2026-10-01, done 84 days before it",
        done(APPENDECTOMY, "2026-07-09"),
        screening_date="2026-10-01",
    ),
    no(
        "screening 2026-10-01, done 85 days before it",
        done(APPENDECTOMY, "2026-07-08"),
        screening_date="2026-10-01",
    ),
    yes("screening 2026-10-01, done 2026-11-01", done(APPENDECTOMY, "2026-11-01"), screening_date="2026-10-01"),
    no(
        "the same, and what comes after screening is ignored",
        done(APPENDECTOMY, "2026-11-01"),
        screening_date="2026-10-01",
        readings={"after-anchor": "ignored"},
    ),
    no(
        "screening 2026-10-01, randomised 2026-10-20, done the day after",
        done(APPENDECTOMY, "2026-10-21"),
        screening_date="2026-10-01",
        randomisation_date="2026-10-20",
    ),
    yes("an operation over midnight of the window's first day", procedure(APPENDECTOMY, (ago(85), ago(84)))),
    yes("in 2026-09", done(APPENDECTOMY, "2026-09")),
    unknown("partial-date", "in 2026-08, which the window's first day cuts", done(APPENDECTOMY, "2026-08")),
    no("in 2026-07", done(APPENDECTOMY, "2026-07")),
    unknown("undated", "without a date", procedure(APPENDECTOMY, None)),
]

STATUSES = [
    *[
        yes(f"status {status}", procedure(APPENDECTOMY, ago(20), status=status))
        for status in ("completed", "in-progress", "stopped")
    ],
    *[
        no(f"status {status}", procedure(APPENDECTOMY, ago(20), status=status))
        for status in ("preparation", "not-done", "entered-in-error")
    ],
    *[judged(f"status {status}", procedure(APPENDECTOMY, ago(20), status=status)) for status in ("on-hold", "unknown")],
    judged("status missing", procedure(APPENDECTOMY, ago(20), status=None)),
]

SILENCE = [
    no("no record, all types covered", reason="no-record"),
    no("no record, Procedure covered", complete=["Procedure"]),
    unknown("not-covered", "no record, nothing covered", complete=NOTHING),
    unknown("not-covered", "no record, only ServiceRequest covered", complete=["ServiceRequest"]),
    unknown(
        "not-covered",
        "surgery 85 days before, nothing covered",
        done(APPENDECTOMY, ago(85)),
        complete=NOTHING,
    ),
    yes("surgery 20 days ago, nothing covered", done(APPENDECTOMY), complete=NOTHING),
]

KINDS = [
    *each(
        yes,
        "{} is major",
        [
            ("ICD-10-PCS 0DTJ0ZZ resection of appendix, open (HCUP class 4)", code("icd10pcs", "0DTJ0ZZ")),
            ("ICD-10-PCS 0FT44ZZ resection of gallbladder (HCUP class 4)", code("icd10pcs", "0FT44ZZ")),
            ("ICD-10-PCS 0SR90J9 replacement of hip joint (HCUP class 4)", code("icd10pcs", "0SR90J9")),
            ("ICD-10-PCS 0UT90ZZ resection of uterus (HCUP class 4)", code("icd10pcs", "0UT90ZZ")),
            ("ICD-10-PCS 10D00Z1 caesarean section (HCUP class 4)", code("icd10pcs", "10D00Z1")),
            ("ICD-10-PCS 08RJ3JZ replacement of lens (HCUP class 4)", code("icd10pcs", "08RJ3JZ")),
        ],
        done,
    ),
    *[
        yes(f"手术 with the surgical level {level}", procedure(words("手术"), ago(20), level=level))
        for level in ("三级", "四级", "三级手术", "四级手术")
    ],
    yes(
        "an operation of no table, of level 三级",
        procedure(words("右侧腹股沟疝无张力手术"), ago(20), level="三级"),
    ),
    no("surgical level 四级, 85 days before screening", procedure(words("手术"), ago(85), level="四级")),
    *[
        judged(f"手术 with the surgical level {level}", procedure(words("手术"), ago(20), level=level))
        for level in ("一级", "二级")
    ],
    *each(
        judged,
        "{} is for a person to judge",
        [
            ("a surgical procedure of no stated kind (SNOMED 387713003)", SURGERY),
            ("ICD-10-PCS 0HQ0XZZ repair of scalp skin (HCUP class 2)", code("icd10pcs", "0HQ0XZZ")),
            ("ICD-10-PCS 0FB00ZX open biopsy of the liver (HCUP class 3)", code("icd10pcs", "0FB00ZX")),
            ("surgery as text", words("surgery")),
        ],
        done,
    ),
    no("a surgical procedure of no stated kind, 85 days before", done(SURGERY, ago(85))),
    yes("surgery of no stated kind, and an appendectomy", done(SURGERY), done(APPENDECTOMY)),
    *each(
        no,
        "{} is never major",
        [
            ("kidney biopsy (SNOMED 274358005)", code("snomed", "274358005")),
            ("kidney biopsy (ICD-10-PCS 0TB03ZX)", code("icd10pcs", "0TB03ZX")),
            ("kidney biopsy (ICD-9-CM 55.23)", code("icd9cm", "55.23")),
            ("肾穿刺活检", words("肾穿刺活检")),
            ("colonoscopy (ICD-10-PCS 0DJD8ZZ)", code("icd10pcs", "0DJD8ZZ")),
            ("胃镜 (gastroscopy)", words("胃镜")),
            ("central line (ICD-10-PCS 02HV33Z)", code("icd10pcs", "02HV33Z")),
            ("中心静脉置管 (central line)", words("中心静脉置管")),
            ("plasmapheresis (SNOMED 20720000)", code("snomed", "20720000")),
            ("plasmapheresis (ICD-10-PCS 6A550Z3)", code("icd10pcs", "6A550Z3")),
            ("hemodialysis (ICD-10-PCS 5A1D70Z)", code("icd10pcs", "5A1D70Z")),
            ("血液透析 (hemodialysis)", words("血液透析")),
        ],
        done,
    ),
]

PLANNED = [
    judged("surgery ordered for next month", service_request(SURGERY, ahead(30))),
    judged("an appendectomy ordered for next month", service_request(APPENDECTOMY, ahead(30))),
    judged("surgery ordered, the day is not set", service_request(SURGERY, None, authored=ago(5))),
    judged("an appointment for surgery next month", appointment(SURGERY, ahead(30))),
    judged("surgery ordered, nothing covered", service_request(SURGERY, ahead(30)), complete=NOTHING),
    yes(
        "surgery ordered for next month, an appendectomy 20 days ago",
        service_request(SURGERY, ahead(30)),
        done(APPENDECTOMY),
    ),
    *[
        no(f"an order for surgery that is {status}", service_request(SURGERY, ahead(30), status=status))
        for status in ("revoked", "entered-in-error")
    ],
    no("an order that surgery is not to be done", service_request(SURGERY, ahead(30), do_not_perform=True)),
    *[
        no(f"an appointment for surgery that is {status}", appointment(SURGERY, ahead(30), status=status))
        for status in ("cancelled", "noshow", "entered-in-error")
    ],
    no("a kidney biopsy ordered for next week", service_request(code("snomed", "274358005"), ahead(7))),
    no("an appointment for hemodialysis", appointment(words("血液透析"), ahead(7))),
    no("a chest X-ray ordered", service_request(words("chest X-ray"), ahead(7))),
    no(
        "surgery planned; the doctor says that the risk is acceptable",
        service_request(SURGERY, ahead(30)),
        attestation(ID, False, ago(3)),
        reason="attested",
    ),
    yes(
        "surgery planned; the doctor says that the risk is not acceptable",
        service_request(SURGERY, ahead(30)),
        attestation(ID, True, ago(3)),
        reason="attested",
    ),
]

NAMES = [
    unknown("unmapped-code", "a procedure with a local code and no name", done(NAMELESS)),
    no("a procedure with a local code and no name, 85 days before", done(NAMELESS, ago(85))),
    no("a procedure with a local code and no name, not done", procedure(NAMELESS, ago(20), status="not-done")),
    no("a procedure with a local code named chest X-ray", done(code("local", "P-9", "chest X-ray"))),
    unknown(
        "unmapped-code",
        "a text of no table that speaks of an operation",
        done(words("laparoscopic fundoplication surgery")),
    ),
    unknown(
        "unmapped-code",
        "an unknown code displayed as appendectomy",
        done(code("local", "P-8", "appendectomy")),
    ),
]

ROWS = table(
    ID,
    "Major surgery within 12 weeks before screening, or planned",
    [*WINDOW, *STATUSES, *SILENCE, *KINDS, *PLANNED, *NAMES, *attested(ID, done(APPENDECTOMY))],
)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_major_surgery(row: Row) -> None:
    check(row)
