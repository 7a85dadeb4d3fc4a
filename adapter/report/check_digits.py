"""The shape and the check digit of a code, where its system has them: LOINC (mod 10), SNOMED CT (Verhoeff), ATC ..."""

import re
from collections.abc import Callable

# The dihedral group D5 and the permutation of Verhoeff's scheme (SNOMED CT Release File Specifications, "Check digit").
_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_PERMUTED = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip
_SHAPES = {
    "http://www.whocc.no/atc": r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?",
    "http://hl7.org/fhir/sid/icd-10": r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,6})?|M\d{4}/\d",
    "http://hl7.org/fhir/sid/icd-10-cm": r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?",
    "http://hl7.org/fhir/sid/icd-9-cm": r"[EV]?\d{2,3}(\.\d{1,2})?",
    "http://www.cms.gov/Medicare/Coding/ICD10": r"[0-9A-HJ-NP-Z]{7}",
    "http://hl7.org/fhir/sid/cvx": r"\d{2,3}",
    "http://www.nlm.nih.gov/research/umls/rxnorm": r"[1-9]\d*",
    "http://www.ama-assn.org/go/cpt": r"\d{4}[0-9A-Z]",
    "http://terminology.hl7.org/CodeSystem/icd-o-3": r"\d{4}/\d",
}


def luhn(digits: str) -> int:
    """The mod 10 check digit of a string of digits."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return -sum(value // 10 + value % 10 for value in doubled) % 10


def is_loinc(code: str) -> bool:
    """`2951-2`; the check digit of an answer code (`LA6576-8`) is moved by 2 or, for an even number of digits, by 5."""
    match = re.fullmatch(r"(LA|LP)?(\d{1,7})-(\d)", code)
    if not match:
        return False
    moved = 0 if match[1] is None else 5 if len(match[2]) % 2 == 0 else 2
    return (luhn(match[2]) + moved) % 10 == int(match[3])


def is_snomed(code: str) -> bool:
    """A concept identifier: 6 to 18 digits, partition 00 or 10, and Verhoeff's check digit."""
    if not re.fullmatch(r"[1-9]\d{5,17}", code) or code[-3:-1] not in ("00", "10"):
        return False
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = int(_TIMES[check][int(_PERMUTED[place % 8][int(digit)])])
    return check == 0


_DIGITS: dict[str, Callable[[str], bool]] = {"http://loinc.org": is_loinc, "http://snomed.info/sct": is_snomed}


def fault_of(system: str, code: str) -> str | None:
    """What is wrong with a code of a system; None where nothing is, or nothing can be told."""
    if system in _DIGITS and not _DIGITS[system](code):
        return "its check digit or shape is wrong: a digit was mistyped"
    shape = _SHAPES.get(system)
    if shape and not re.fullmatch(shape, code):
        return "it does not have the shape of this system's codes"
    return None
