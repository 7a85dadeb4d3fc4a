"""An infection that needed hospital and intravenous antibiotics within 4 weeks before screening."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import (
    Json,
    Moment,
    administration,
    attestation,
    code,
    coding,
    condition,
    dosage,
    encounter,
    request,
    route,
    words,
)
from tests.spec.exclusion_builders import (
    MEDICATIONS,
    NAMELESS,
    NOTHING,
    ago,
    ahead,
    attested,
    judged,
    no,
    unknown,
    yes,
)
from tests.spec.table import Row, check, label, table

ID = "exc-hospital-iv-antibiotics"
CEFTRIAXONE = code("atc", "J01DD04")
PNEUMONIA = code("icd10", "J18.9")
IV = route("IV")


def stay(start: str | None = None, end: str | None = None, kind: str | Json | None = "IMP", **more: Any) -> Json:
    """A stay in hospital, from 10 to 5 days ago if nothing else is said."""
    return encounter((start or ago(10), end or ago(5)), kind, **more)


def drip(on: Moment = None, way: Json | None = IV, drug: Json = CEFTRIAXONE, **more: Any) -> Json:
    """Ceftriaxone into the vein, 8 days ago if nothing else is said."""
    return administration(drug, on or ago(8), route=way, **more)


def pneumonia(onset: Moment = None, abated: Moment = None, **more: Any) -> Json:
    clinical = "resolved" if abated else "active"
    settings = {"clinical": clinical} | more
    return condition(PNEUMONIA, onset or ago(11), abatement=abated, **settings)


ALL_THREE = [
    yes(
        "in hospital from 10 to 5 days ago, ceftriaxone into the vein 8 days ago, pneumonia",
        stay(),
        drip(),
        pneumonia(),
    ),
    yes("the same, nothing covered", stay(), drip(), pneumonia(), complete=NOTHING),
    judged("no diagnosis", stay(), drip()),
    yes("pneumonia as the reason of the drug", stay(), drip(reason=PNEUMONIA)),
    yes("pneumonia as the reason of the stay", stay(reason=PNEUMONIA), drip()),
    yes(
        "pneumonia referred to by the drug",
        stay(),
        pneumonia(id="c1"),
        drip(reason_reference="Condition/c1"),
    ),
    yes(
        "pneumonia referred to by the stay",
        stay(reason_reference="Condition/c1"),
        pneumonia(id="c1"),
        drip(),
    ),
    no("in hospital with pneumonia, no drug", stay(), pneumonia()),
    no("ceftriaxone into the vein and pneumonia, no stay", drip(), pneumonia()),
    no("pneumonia alone", pneumonia()),
    yes("the diagnosis is pneumonia whose end is foreseen in 5 days", stay(), drip(), pneumonia(abated=ahead(5))),
    judged("the diagnosis is unconfirmed", stay(), drip(), pneumonia(verification="unconfirmed")),
    judged("the diagnosis is refuted: as without one", stay(), drip(), pneumonia(verification="refuted")),
    yes(
        "the diagnosis is tuberculosis of 2010 without a clinical status: chronic",
        stay(),
        drip(),
        condition(code("icd10", "A15.0"), "2010", clinical=None),
    ),
    judged(
        "the diagnosis is pneumonia of 400 days ago without a clinical status",
        stay(),
        drip(),
        condition(PNEUMONIA, ago(400), clinical=None),
    ),
    judged("the diagnosis is no infection", stay(), drip(), condition(code("icd10", "M32.1"), ago(400))),
]

WINDOW = [
    yes(
        "discharged 28 days before screening, the drug on that day",
        stay(ago(40), ago(28)),
        drip(ago(28)),
        pneumonia(ago(41)),
    ),
    no(
        "discharged 29 days before screening",
        stay(ago(40), ago(29)),
        drip(ago(29)),
        pneumonia(ago(41)),
    ),
    no(
        "discharged 28 days before, the last drug 29 days before",
        stay(ago(40), ago(28)),
        drip(ago(29)),
        pneumonia(ago(41)),
    ),
    yes("the drug on the day of admission", stay(), drip(ago(10)), pneumonia()),
    yes("the drug on the day of discharge", stay(), drip(ago(5)), pneumonia()),
    no("the drug the day before admission", stay(), drip(ago(11)), pneumonia()),
    no("the drug the day after discharge", stay(), drip(ago(4)), pneumonia()),
    yes("the drug runs over three days of the stay", stay(), drip((ago(8), ago(6))), pneumonia()),
    yes(
        "still in hospital",
        encounter((ago(10), None), "IMP", status="in-progress"),
        drip(ago(1)),
        pneumonia(),
    ),
    yes(
        "pneumonia abated 28 days before",
        stay(ago(40), ago(20)),
        drip(ago(28)),
        pneumonia(ago(45), ago(28)),
    ),
    judged(
        "pneumonia abated 29 days before: no diagnosis in the window",
        stay(ago(40), ago(20)),
        drip(ago(28)),
        pneumonia(ago(45), ago(29)),
    ),
    yes(
        "screening 2026-10-01, all three in 2026-11: after screening it counts too",
        stay(),
        drip(),
        pneumonia(),
        screening_date="2026-10-01",
    ),
    no(
        "the same, and what comes after screening is ignored",
        stay(),
        drip(),
        pneumonia(),
        screening_date="2026-10-01",
        readings={"after-anchor": "ignored"},
    ),
    unknown("undated", "the drug without a date", stay(), administration(CEFTRIAXONE, None, route=IV), pneumonia()),
    unknown("undated", "the stay without a date", encounter(None, "IMP"), drip(), pneumonia()),
    unknown(
        "partial-date",
        "the drug in 2026-11, before, in or after the stay",
        stay(),
        drip("2026-11"),
        pneumonia(),
    ),
]

STAY = [
    *[yes(f"class {kind}", stay(kind=kind), drip(), pneumonia()) for kind in ("ACUTE", "NONAC")],
    *[judged(f"class {kind}", stay(kind=kind), drip(), pneumonia()) for kind in ("OBSENC", "SS")],
    judged("class UNK of NullFlavor", stay(kind=coding("null", "UNK")), drip(), pneumonia()),
    judged("class unknown, of data-absent-reason", stay(kind=coding("absent", "unknown")), drip(), pneumonia()),
    judged("class a local code", stay(kind=coding("local", "ZY")), drip(), pneumonia()),
    judged("class missing", stay(kind=None), drip(), pneumonia()),
    *[
        no(f"class {kind} is no hospitalisation", stay(kind=kind), drip(), pneumonia())
        for kind in ("AMB", "EMER", "VR", "HH", "FLD", "PRENC")
    ],
    *[
        yes(f"encounter {status}", stay(status=status), drip(), pneumonia())
        for status in ("in-progress", "finished", "onleave")
    ],
    *[
        no(f"encounter {status}", stay(status=status), drip(), pneumonia())
        for status in ("planned", "arrived", "triaged", "cancelled", "entered-in-error")
    ],
    judged("encounter unknown", stay(status="unknown"), drip(), pneumonia()),
    judged("encounter without a status", stay(status=None), drip(), pneumonia()),
]

DRUG = [
    *[
        yes(f"route {name}", stay(), drip(way=way), pneumonia())
        for name, way in (
            ("SNOMED 47625008 intravenous", code("snomed", "47625008")),
            ("SNOMED 418114005 central venous", code("snomed", "418114005")),
            ("SNOMED 419993007 peripheral venous", code("snomed", "419993007")),
            ("v3 IVPUSH", route("IVPUSH")),
            *[(text, words(text)) for text in ("静脉滴注", "静滴", "静脉注射", "静推", "ivgtt", "intravenous")],
        )
    ],
    judged("route missing", stay(), drip(way=None), pneumonia()),
    judged("route a local code without a name", stay(), drip(way=code("local", "R1")), pneumonia()),
    judged("route a text of no table", stay(), drip(way=words("遵医嘱")), pneumonia()),
    *[
        no(f"route {name}", stay(), drip(way=way), pneumonia())
        for name, way in (
            ("by mouth (v3 PO)", route("PO")),
            ("by mouth (SNOMED 26643006)", code("snomed", "26643006")),
            ("into the muscle (SNOMED 78421000)", code("snomed", "78421000")),
            ("on the skin (SNOMED 6064005)", code("snomed", "6064005")),
            ("口服", words("口服")),
        )
    ],
    no("an antifungal into the vein (J02AC01)", stay(), drip(drug=code("atc", "J02AC01")), pneumonia()),
    no("an antiviral into the vein (J05AB06)", stay(), drip(drug=code("atc", "J05AB06")), pneumonia()),
    no("an intestinal antibiotic (A07AA09)", stay(), drip(drug=code("atc", "A07AA09")), pneumonia()),
    no("hydroxychloroquine", stay(), drip(drug=code("atc", "P01BA02")), pneumonia()),
    *[
        yes(f"administration {status}", stay(), drip(status=status), pneumonia())
        for status in ("in-progress", "stopped")
    ],
    *[
        no(f"administration {status}", stay(), drip(status=status), pneumonia())
        for status in ("not-done", "entered-in-error")
    ],
    *[
        judged(f"administration {status}", stay(), drip(status=status), pneumonia())
        for status in ("on-hold", "unknown")
    ],
    judged("administration without a status", stay(), drip(status=None), pneumonia()),
    unknown(
        "unmapped-code",
        "a drug with a local code and no name, into the vein",
        stay(),
        drip(drug=NAMELESS),
        pneumonia(),
    ),
    no("a drug with a local code and no name, by mouth", stay(), drip(drug=NAMELESS, way=route("PO")), pneumonia()),
    unknown(
        "unmapped-code",
        "a drug with a local code and no name, its route missing",
        stay(),
        drip(drug=NAMELESS, way=None),
        pneumonia(),
    ),
    no("vitamin C into the vein", stay(), drip(drug=code("local", "D-12", "vitamin C")), pneumonia()),
    unknown(
        "ordered-only",
        "in hospital with pneumonia, ceftriaxone into the vein only ordered",
        stay(),
        request(CEFTRIAXONE, ago(8), dosage=dosage(2, "g", route=IV)),
        pneumonia(),
    ),
    no(
        "in hospital with pneumonia, ceftriaxone by mouth only ordered",
        stay(),
        request(CEFTRIAXONE, ago(8), dosage=dosage(2, "g", route=route("PO"))),
        pneumonia(),
    ),
]

SILENCE = [
    no("no record, all types covered", reason="no-record"),
    unknown("not-covered", "no record, nothing covered", complete=NOTHING),
    no(
        "no record, Encounter and MedicationAdministration covered",
        complete=["Encounter", "MedicationAdministration"],
    ),
    no("no stay, Encounter covered, administrations not", drip(), pneumonia(), complete=["Encounter"]),
    no(
        "no drug, administrations covered, Encounter not",
        stay(),
        pneumonia(),
        complete=["MedicationAdministration"],
    ),
    unknown("not-covered", "a stay, administrations not covered", stay(), pneumonia(), complete=["Encounter"]),
    unknown(
        "not-covered",
        "a drug, Encounter not covered",
        drip(),
        pneumonia(),
        complete=["MedicationAdministration"],
    ),
    unknown(
        "ordered-only",
        "ceftriaxone only ordered, administrations covered, Encounter not: the order stands for the drug",
        request(CEFTRIAXONE, ago(8), dosage=dosage(2, "g", route=IV)),
        pneumonia(),
        complete=["MedicationAdministration"],
    ),
    no(
        "ceftriaxone only ordered, Encounter covered: there was no stay",
        request(CEFTRIAXONE, ago(8), dosage=dosage(2, "g", route=IV)),
        pneumonia(),
        complete=["Encounter"],
    ),
    unknown(
        "not-covered",
        "a stay; the site says that it keeps no administrations: that excuses nothing here",
        stay(),
        pneumonia(),
        complete=["Encounter", *MEDICATIONS[1:]],
        not_kept=["MedicationAdministration"],
    ),
]

ATTESTED = [
    *attested(ID, stay(), drip(), pneumonia()),
    no("no diagnosis; the doctor says no", stay(), drip(), attestation(ID, False, ago(3)), reason="attested"),
    yes("no diagnosis; the doctor says yes", stay(), drip(), attestation(ID, True, ago(3)), reason="attested"),
]

ROWS = table(
    ID,
    "Hospital and intravenous antibiotics for an infection within 4 weeks before screening",
    [*ALL_THREE, *WINDOW, *STAY, *DRUG, *SILENCE, *ATTESTED],
)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_hospital_iv_antibiotics(row: Row) -> None:
    check(row)
