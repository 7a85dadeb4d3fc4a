"""A history of malignancy, except excised or cured basal cell carcinoma of the skin."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import Json, attestation, code, codes, condition, procedure, words
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

ID = "exc-malignancy"
BREAST = code("icd10", "C50.9")
BCC = code("icd10cm", "C44.311")
BCC_SNOMED = code("snomed", "254701007")
SKIN = code("icd10", "C44.3")
SKIN_WITH_BCC = codes(("icd10", "C44.3"), ("icdo3", "8090/3"))
BCC_MORPHOLOGY = code("icdo3", "8090/3")
EXCISION = code("icd10pcs", "0HB1XZZ")
CONSULTATION = words("dermatology consultation")


def had(concept: Json, clinical: str | None = "resolved", **more: Any) -> Json:
    """A Condition that began in 2010 and is called resolved if nothing else is said."""
    return condition(concept, "2010-06-01", clinical=clinical, **more)


EVER = [
    *[
        yes(f"breast cancer of 2010, clinical status {status}", had(BREAST, status))
        for status in ("active", "recurrence", "relapse", "inactive", "remission", "resolved")
    ],
    yes("breast cancer of 2010, without a clinical status", had(BREAST, None)),
    yes("breast cancer of 2010, abated in 2012", had(BREAST, abatement="2012-01-01")),
    yes("breast cancer of 1990", condition(BREAST, "1990")),
    yes("breast cancer since yesterday", condition(BREAST, ago(1))),
    yes("breast cancer without onset, recorded 10 days ago", condition(BREAST, None, recorded=ago(10))),
    unknown("undated", "breast cancer without any date", condition(BREAST, None)),
    unknown(
        "undated",
        "randomised 2026-10-01, breast cancer without onset, recorded a month later: it may be older",
        condition(BREAST, None, recorded="2026-11-01"),
        randomisation_date="2026-10-01",
    ),
    no("breast cancer with the onset tomorrow is not used", condition(BREAST, ahead(1))),
    no(
        "randomised 2026-10-01, breast cancer since 2026-11-01: it changes no verdict of eligibility",
        condition(BREAST, "2026-11-01"),
        randomisation_date="2026-10-01",
    ),
    yes(
        "randomised 2026-10-01, breast cancer since 2026-09-30",
        condition(BREAST, "2026-09-30"),
        randomisation_date="2026-10-01",
    ),
    yes("the screening day moves nothing", had(BREAST), screening_date="2026-10-01"),
    *[
        judged(f"breast cancer, verification {status}", had(BREAST, verification=status))
        for status in ("unconfirmed", "provisional", "differential")
    ],
    yes("breast cancer, verification missing", had(BREAST, verification=None)),
    *[
        no(f"breast cancer, verification {status}", had(BREAST, verification=status))
        for status in ("refuted", "entered-in-error")
    ],
]


def icd(*named: tuple[str, str], system: str = "icd10") -> list[tuple[str, Json]]:
    return [(f"{name} ({one})", code(system, one)) for one, name in named]


COUNTED = each(
    yes,
    "{}, resolved, counts",
    [
        *icd(
            ("C16.9", "stomach"),
            ("C34.9", "lung"),
            ("C43.9", "melanoma"),
            ("C73", "thyroid"),
            ("C78.0", "secondary of lung"),
            ("C81.9", "Hodgkin lymphoma"),
            ("C83.3", "large cell lymphoma"),
            ("C90.0", "multiple myeloma"),
            ("C91.0", "lymphoblastic leukaemia"),
            ("C97", "multiple primaries"),
            ("C50.900", "breast, national code"),
            ("Z85.3", "history of breast cancer"),
        ),
        *icd(
            ("C50.911", "breast, ICD-10-CM"),
            ("C7A.00", "neuroendocrine tumour"),
            ("C7B.00", "secondary neuroendocrine tumour"),
            ("C4A.9", "Merkel cell carcinoma"),
            ("C44.02", "squamous cell carcinoma of lip skin"),
            ("C44.129", "squamous cell carcinoma of eyelid skin"),
            ("Z85.3", "history of breast cancer, ICD-10-CM"),
            ("Z85.820", "history of melanoma"),
            system="icd10cm",
        ),
        *icd(
            ("363346000", "malignant disease"),
            ("269475001", "malignancy of blood or lymph"),
            ("128462008", "secondary malignancy"),
            ("266987004", "history of malignancy"),
            ("161432005", "history of melanoma, SNOMED"),
            ("429024007", "history of squamous cell carcinoma of skin"),
            ("402537005", "metastatic basal cell carcinoma"),
            ("372244006", "melanoma, SNOMED"),
            ("93655004", "melanoma of skin"),
            ("118600007", "lymphoma"),
            ("93143009", "leukaemia"),
            ("109989006", "multiple myeloma, SNOMED"),
            system="snomed",
        ),
        ("肺癌", words("肺癌")),
        ("lung cancer as text", words("Lung Cancer")),
    ],
    had,
)

JUDGED = each(
    judged,
    "{} is for a person to judge",
    [
        *icd(
            ("C44.3", "skin, cell type not said"),
            ("C44.9", "skin, site and cell type not said"),
            ("C44.11", "skin of eyelid under the WHO system"),
            ("C44.300", "skin, national code"),
            ("D04.9", "carcinoma in situ of skin"),
            ("D05.9", "carcinoma in situ of breast"),
            ("D06.9", "carcinoma in situ of cervix"),
            ("D37.0", "uncertain behaviour, lip"),
            ("D45", "polycythaemia vera"),
            ("D46.9", "myelodysplastic syndrome"),
            ("D47.1", "myeloproliferative disease"),
            ("D48.9", "uncertain behaviour"),
        ),
        *icd(
            ("C44.300", "unspecified skin cancer of face, ICD-10-CM"),
            ("C44.390", "other skin cancer of face, ICD-10-CM"),
            ("C44.90", "unspecified skin cancer, ICD-10-CM"),
            ("D05.10", "carcinoma in situ of breast, ICD-10-CM"),
            ("D46.9", "myelodysplastic syndrome, ICD-10-CM"),
            ("D47.Z1", "lymphoproliferative disease after transplant"),
            ("Z85.828", "history of other skin cancer"),
            system="icd10cm",
        ),
        *icd(
            ("429050006", "history of malignancy of skin"),
            ("372130007", "malignancy of skin"),
            ("402538000", "recurrent basal cell carcinoma"),
            system="snomed",
        ),
    ],
    had,
)

NEVER = [
    *each(
        no,
        "{} is no malignancy",
        [
            *icd(
                ("Z80.3", "family history of breast cancer"),
                ("Z12.3", "screening for breast cancer"),
                ("Z03.1", "suspected malignancy ruled out"),
                ("D25.9", "myoma of uterus"),
                ("D17.9", "lipoma"),
                ("M32.1", "systemic lupus"),
            ),
            *icd(("Z80.3", "family history, ICD-10-CM"), ("Z12.31", "mammogram, ICD-10-CM"), system="icd10cm"),
            ("family history of cancer (SNOMED 275937001)", code("snomed", "275937001")),
        ],
        had,
    ),
]

BASAL_CELL = [
    *[
        no(f"basal cell carcinoma, clinical status {status}", had(BCC, status), reason="exempt")
        for status in ("resolved", "remission", "inactive")
    ],
    *[
        yes(f"basal cell carcinoma, clinical status {status}", had(BCC, status))
        for status in ("active", "recurrence", "relapse")
    ],
    no(
        "basal cell carcinoma called active, abated in 2012",
        had(BCC, "active", abatement="2012-01-01"),
        reason="exempt",
    ),
    *[
        no(f"{name}, resolved", had(concept), reason="exempt")
        for name, concept in (
            ("basal cell carcinoma (SNOMED 254701007)", BCC_SNOMED),
            ("primary basal cell carcinoma (SNOMED 402536001)", code("snomed", "402536001")),
            ("basal cell carcinoma of lip (ICD-10-CM C44.01)", code("icd10cm", "C44.01")),
            ("basal cell carcinoma of eyelid (ICD-10-CM C44.1192)", code("icd10cm", "C44.1192")),
            ("basal cell carcinoma (ICD-10-CM C44.91)", code("icd10cm", "C44.91")),
            ("skin cancer C44.3 with morphology 8090/3", SKIN_WITH_BCC),
            ("皮肤基底细胞癌", words("皮肤基底细胞癌")),
            ("basal cell carcinoma as text", words("basal cell carcinoma")),
        )
    ],
    *[
        yes(f"{name}, active and not excised", had(concept, "active"))
        for name, concept in (
            ("basal cell carcinoma (SNOMED 254701007)", BCC_SNOMED),
            ("skin cancer C44.3 with morphology 8090/3", SKIN_WITH_BCC),
            ("皮肤基底细胞癌", words("皮肤基底细胞癌")),
        )
    ],
    no(
        "called active, skin of the face excised in 2011",
        had(BCC, "active"),
        procedure(EXCISION, "2011-01-01"),
        reason="exempt",
    ),
    no(
        "called active, skin excised on the day of its onset",
        had(BCC, "active"),
        procedure(EXCISION, "2010-06-01"),
        reason="exempt",
    ),
    yes(
        "called active, skin excised the day before its onset",
        had(BCC, "active"),
        procedure(EXCISION, "2010-05-31"),
    ),
    *[
        yes(
            f"called active, excision {status}",
            had(BCC, "active"),
            procedure(EXCISION, "2011-01-01", status=status),
        )
        for status in ("not-done", "preparation", "entered-in-error")
    ],
    no(
        "called active, a procedure of no table in 2011 names this Condition as its reason",
        had(BCC, "active", id="c1"),
        procedure(words("Mohs, left cheek"), "2011-01-01", reason_reference="Condition/c1"),
        reason="exempt",
    ),
    yes(
        "called active, the procedure that names it was before its onset",
        had(BCC, "active", id="c1"),
        procedure(words("Mohs, left cheek"), "2009-01-01", reason_reference="Condition/c1"),
    ),
    yes(
        "called active, a procedure that names another Condition",
        had(BCC, "active", id="c1"),
        had(code("icd10", "D17.9"), id="c2"),
        procedure(words("removal"), "2011-01-01", reason_reference="Condition/c2"),
    ),
    yes("called active, a consultation in 2011", had(BCC, "active"), procedure(CONSULTATION, "2011-01-01")),
    unknown(
        "partial-date",
        "called active, begun in 2010, excised in 2010: before or after, who knows",
        condition(BCC, "2010"),
        procedure(EXCISION, "2010"),
    ),
    no(
        "called active, begun in 2010, excised in 2011",
        condition(BCC, "2010"),
        procedure(EXCISION, "2011"),
        reason="exempt",
    ),
    *[
        judged(f"morphology 8090/3 alone, its site not said, {status}", had(BCC_MORPHOLOGY, status))
        for status in ("active", "resolved")
    ],
    yes("cured basal cell carcinoma, and breast cancer", had(BCC), had(BREAST)),
    yes("one basal cell carcinoma cured, another active", had(BCC), condition(BCC, "2024-01-01")),
    judged("cured basal cell carcinoma, and skin cancer of no stated type", had(BCC), had(SKIN)),
    judged("active basal cell carcinoma, unconfirmed", had(BCC, "active", verification="unconfirmed")),
    no("active basal cell carcinoma, refuted", had(BCC, "active", verification="refuted")),
    unknown(
        "conflict",
        "one Condition coded as breast cancer and as basal cell carcinoma",
        had(codes(("icd10", "C50.9"), ("snomed", "254701007"))),
    ),
    yes(
        "one Condition coded as malignant disease and as melanoma: the narrower one counts",
        had(codes(("snomed", "363346000"), ("snomed", "372244006"))),
    ),
    no(
        "one Condition coded as malignant disease and as basal cell carcinoma, resolved: the narrower",
        had(codes(("snomed", "363346000"), ("snomed", "254701007"))),
        reason="exempt",
    ),
]

SILENCE = [
    no("no record, all types covered", reason="no-record"),
    no("no record, Condition covered", complete=["Condition"]),
    unknown("not-covered", "no record, nothing covered", complete=NOTHING),
    unknown("not-covered", "no record, Observation covered, Condition not", complete=["Observation"]),
    unknown(
        "not-covered",
        "the site says that it keeps no Conditions: that is for medication types only",
        complete=NOTHING,
        not_kept=["Condition"],
    ),
    unknown("not-covered", "cured basal cell carcinoma, nothing covered", had(BCC), complete=NOTHING),
    yes("breast cancer, nothing covered", had(BREAST), complete=NOTHING),
    unknown(
        "not-covered",
        "a Condition with the onset 2026-02-30: it cannot be read, so conditions were not all read",
        condition(BREAST, "2026-02-30"),
    ),
]

NAMES = [
    unknown("unmapped-code", "a Condition with a local code and no name, resolved long ago", had(NAMELESS)),
    no("a Condition with a local code and no name, refuted", had(NAMELESS, verification="refuted")),
    no("a Condition named low back pain", had(code("local", "C-1", "low back pain"))),
    unknown(
        "unmapped-code",
        "malignant lesion of unknown origin, as text",
        had(words("malignant lesion of unknown origin")),
    ),
    unknown("unmapped-code", "肺癌待查 (lung cancer to be examined)", had(words("肺癌待查"))),
    unknown("unmapped-code", "rule out malignancy", had(words("rule out malignancy"))),
    unknown(
        "unmapped-code",
        "an unknown code displayed as breast cancer",
        had(code("local", "C-2", "breast cancer")),
    ),
    no("胃癌家族史 (family history of stomach cancer)", had(words("胃癌家族史"))),
    no("family history of breast cancer, as text", had(words("family history of breast cancer"))),
    no("malignant lesion, refuted", had(words("malignant lesion of unknown origin"), verification="refuted")),
    no(
        "asthma's code with the text lung cancer: the code decides",
        had(code("icd10", "J45.9", text="lung cancer")),
    ),
    yes(
        "malignant lesion as text, and breast cancer",
        had(words("malignant lesion of unknown origin")),
        had(BREAST),
    ),
]

ATTESTED = [
    *attested(ID, had(BREAST)),
    no(
        "skin cancer of no stated type; the doctor says no",
        had(SKIN),
        attestation(ID, False, ago(3)),
        reason="attested",
    ),
    yes(
        "skin cancer of no stated type; the doctor says yes",
        had(SKIN),
        attestation(ID, True, ago(3)),
        reason="attested",
    ),
    yes(
        "refuted breast cancer is silence; the doctor says yes",
        had(BREAST, verification="refuted"),
        attestation(ID, True, ago(3)),
        reason="attested",
    ),
    unknown(
        "conflict",
        "active basal cell carcinoma; the doctor says no",
        had(BCC, "active"),
        attestation(ID, False, ago(3)),
    ),
]

ROWS = table(
    ID,
    "History of malignancy",
    [*EVER, *COUNTED, *JUDGED, *NEVER, *BASAL_CELL, *SILENCE, *NAMES, *ATTESTED],
)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_malignancy(row: Row) -> None:
    check(row)
