"""What real record systems send: small records of `tests/dialects`, each with its trap, and the verdicts that they must give.

Every record is that of one woman of 36 years, complete, as of 22 November 2026. Epic: codings by OID, drugs by reference.
Oracle: proprietary codings first, no display, units as text. Synthea: transactions by `urn:uuid:`. zh: Chinese HIS and LIS.
"""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import adapter

FOLDER = Path(__file__).parent / "dialects"
AS_OF = date(2026, 11, 22)
DRUG = "MedicationAdministration/ritux"


@dataclass(frozen=True)
class Said:
    """One verdict that a record must give, with the records behind it (none: not asked)."""

    record: str
    why: str
    criterion: str
    truth: str
    reason: str
    evidence: tuple[str, ...] = ()


VERDICTS = [
    # Epic
    Said("epic-codings-by-oid", "own coding first, ICD-10-CM by OID", "inc-lupus-nephritis", "yes", "within-window", ("Condition/ln",)),
    Said("epic-codings-by-oid", "LOINC and UCUM by OID", "inc-proteinuria", "yes", "above", ("Observation/upcr",)),
    Said("epic-codings-by-oid", "SNOMED by OID; not excised", "exc-malignancy", "yes", "within-window", ("Condition/bcc",)),
    Said("epic-medication-contained", "contained Medication", "exc-b-cell-depletion", "yes", "within-window", (DRUG,)),
    Said("epic-medication-follows-and-plan", "absolute reference, the Medication comes later", "exc-b-cell-depletion", "yes", "within-window", (DRUG,)),
    Said("epic-medication-follows-and-plan", "intent plan is no order", "exc-biologic-or-jak", "no", "no-record"),
    Said("epic-subject-absolute-and-by-identifier", "absolute subject", "inc-lupus-nephritis", "yes", "within-window", ("Condition/absolute",)),
    Said("epic-subject-absolute-and-by-identifier", "subject by identifier", "exc-severe-infection", "yes", "positive", ("Observation/by-identifier",)),
    Said("epic-subject-absolute-and-by-identifier", "subject with _history, CVX by OID", "exc-live-vaccine", "yes", "within-window", ("Immunization/versioned",)),
    # Oracle
    Said("oracle-proprietary-first", "SNOMED second, without display", "inc-lupus-nephritis", "yes", "within-window"),
    Said("oracle-proprietary-first", "unit as text only", "inc-proteinuria", "yes", "above"),
    Said("oracle-proprietary-first", "Negative and Neg as text", "inc-pregnancy-tests", "yes", "negative", ("Observation/serum", "Observation/urine")),
    Said("oracle-proprietary-first", "the same tests clear her", "exc-pregnant-or-lactating", "no", "negative"),
    Said("oracle-panel-without-value", "a later panel without a value hides no result", "inc-proteinuria", "yes", "above", ("Observation/upcr",)),
    Said("oracle-same-code-of-another-system", "2106-3 in a local system is no pregnancy test", "inc-pregnancy-tests", "unknown", "no-data"),
    Said("oracle-same-code-of-another-system", "nor does it make her pregnant", "exc-pregnant-or-lactating", "unknown", "no-data"),
    Said("oracle-same-code-of-another-system", "68815009 in a local system is no diagnosis", "inc-lupus-nephritis", "no", "no-record"),
    Said("oracle-same-code-of-another-system", "03 in a local system is no MMR", "exc-live-vaccine", "no", "no-record"),
    Said("oracle-text-only", "an exact name proves", "exc-b-cell-depletion", "yes", "within-window", ("MedicationAdministration/exact",)),
    Said("oracle-text-only", "a name with strength and pack only stands in the way", "exc-biologic-or-jak", "unknown", "unmapped-code"),
    Said("oracle-text-only", "a number with its unit in a string", "inc-proteinuria", "yes", "above"),
    Said("oracle-display-lies", "the code decides, not the display", "inc-lupus-nephritis", "no", "no-record"),
    Said("oracle-display-lies", "an albumin ratio under a protein name", "inc-proteinuria", "unknown", "no-data"),
    # Synthea
    Said("synthea-transaction", "subject by urn:uuid", "inc-lupus-nephritis", "yes", "within-window", ("Condition/c",)),
    Said("synthea-transaction", "Medication by urn:uuid", "exc-b-cell-depletion", "yes", "within-window", ("MedicationAdministration/a",)),
    Said("synthea-without-ids", "the fullUrl stands for an id", "exc-severe-infection", "yes", "positive", ("urn:uuid:0d0c0b0a-0000-4000-8000-000000000005",)),
    Said("synthea-stopped-order", "an order in the window, stopped, its end not told", "exc-biologic-or-jak", "unknown", "ordered-only"),
    Said("synthea-stopped-order", "an order states the start of a drug", "exc-unstable-immunosuppressant", "yes", "changed"),
    # Chinese HIS and LIS
    Said("zh-dual-code-in-one-coding", "dagger and asterisk in one code", "inc-lupus-nephritis", "yes", "within-window"),
    Said("zh-dual-code-as-two-codings", "lower case, national digits, two codings of one Condition", "inc-lupus-nephritis", "yes", "within-window"),
    Said("zh-doubtful-code-exact-text", "M32.1 only doubts and yields to an exact text", "inc-lupus-nephritis", "yes", "within-window"),
    Said("zh-to-be-ruled-out", "待排 does not prove", "inc-lupus-nephritis", "unknown", "unmapped-code"),
    Said("zh-to-be-ruled-out", "a question mark does not prove, nor release", "exc-malignancy", "unknown", "unmapped-code"),
    Said("zh-hospital-stay", "route in the dosage text, infection as the stay's reason", "exc-hospital-iv-antibiotics", "yes", "within-window", ("Encounter/stay", "MedicationAdministration/iv")),
    Said("zh-hospital-stay", "17 days ago is before the 14 days", "exc-treated-infection", "no", "outside-window"),
    Said("zh-surgery-by-level", "三级手术 makes an unknown operation major", "exc-major-surgery", "yes", "within-window", ("Procedure/op",)),
    Said("zh-surgery-by-level", "血液净化 alone does not tell", "exc-apheresis", "unknown", "unmapped-code", ("Procedure/blood",)),
    Said("zh-results-in-words", "弱阳性 needs a person", "inc-pregnancy-tests", "unknown", "needs-judgement"),
    Said("zh-results-in-words", "name, number and unit in full width", "inc-proteinuria", "yes", "above", ("Observation/protein",)),
    Said("zh-results-in-words", "（－） is negative", "exc-severe-infection", "no", "negative", ("Observation/hbsag",)),
    Said("zh-drugs-by-name", "雷公藤 counts, and it was begun in the window", "exc-unstable-immunosuppressant", "yes", "changed", ("MedicationStatement/tg",)),
    Said("zh-drugs-by-name", "泰它西普 is a biologic", "exc-biologic-or-jak", "yes", "within-window", ("MedicationStatement/tace",)),
    Said("zh-drugs-by-name", "生物制剂 might deplete B cells", "exc-b-cell-depletion", "unknown", "unmapped-code", ("MedicationStatement/bio",)),
]  # fmt: skip


@cache
def record(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@cache
def criteria_of(name: str) -> dict[str, Any]:
    return screened(record(name))


def screened(bundle: dict[str, Any]) -> dict[str, Any]:
    (screening,) = adapter.screen_bundle(bundle, adapter.load_trial(), as_of=AS_OF, complete="all")
    return {one["id"]: one for one in screening.to_dict()["criteria"]}


def codings_reversed(value: object) -> object:
    """The same document with the codings of every concept in the opposite order."""
    match value:
        case dict():
            return {
                key: list(reversed(inner)) if key == "coding" else codings_reversed(inner)
                for key, inner in value.items()
            }
        case list():
            return [codings_reversed(one) for one in value]
    return value


def test_every_record_of_the_folder_is_asked_something() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted({said.record for said in VERDICTS})


@pytest.mark.parametrize("said", VERDICTS, ids=lambda said: f"{said.record}: {said.why}")
def test_dialect(said: Said) -> None:
    result = criteria_of(said.record)[said.criterion]
    assert (result["truth"], result["reason"]) == (said.truth, said.reason), result["explanation"]
    if said.evidence:
        assert tuple(sorted({one["reference"] for one in result["evidence"]})) == said.evidence


@pytest.mark.parametrize("name", sorted({said.record for said in VERDICTS}))
def test_the_order_of_codings_changes_no_verdict(name: str) -> None:
    turned = screened(codings_reversed(record(name)))  # type: ignore[arg-type]
    assert {id: (one["truth"], one["reason"]) for id, one in turned.items()} == {
        id: (one["truth"], one["reason"]) for id, one in criteria_of(name).items()
    }
