"""Seeded records in the manner of a US Core export: the same arguments give the same bytes.

`python -m bench.generate OUT --size 300` writes an export by type (NDJSON and `manifest.json`); with
`--bundles 100` a folder of per-patient Bundles. A patient's record depends on the seed and his number alone.
"""

import argparse
import json
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from bench.records import AS_OF, MAKERS, Draw, Resource, patient

RELEVANT = 0.05
SEED = 7

MIX = {
    "Condition": 6,
    "Observation": 36,
    "MedicationRequest": 4,
    "MedicationStatement": 2,
    "MedicationAdministration": 2,
    "Procedure": 2,
    "Encounter": 3,
    "Immunization": 2,
}
"""Resources of each type in a record of 58, the Patient included; longer records keep the proportions."""


def record(number: int, *, resources: int = 58, relevant: float = RELEVANT, seed: int = SEED) -> Iterator[Resource]:
    """One patient's resources, `resources` in all: the Patient, then each type by its part of the mix."""
    draw = Draw(seed, number, relevant)
    yield patient(draw)
    whole = sum(MIX.values())
    plan = [kind for kind, part in MIX.items() for _ in range((resources - 1) * part // whole)]
    for kind in plan + ["Observation"] * (resources - 1 - len(plan)):
        yield MAKERS[kind](draw)


def bundle(number: int, *, resources: int = 58, relevant: float = RELEVANT, seed: int = SEED) -> bytes:
    """One patient's record as a collection Bundle, the bytes of a file."""
    made = record(number, resources=resources, relevant=relevant, seed=seed)
    entry = [{"fullUrl": f"https://ehr.example/fhir/{r['resourceType']}/{r['id']}", "resource": r} for r in made]
    return compact({"resourceType": "Bundle", "type": "collection", "entry": entry})


def compact(value: Resource) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def write_bundles(folder: Path, patients: int, *, resources: int, relevant: float, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(patients):
        made = bundle(number, resources=resources, relevant=relevant, seed=seed)
        (folder / f"p{number:07d}.json").write_bytes(made)


def write_export(folder: Path, megabytes: float, *, relevant: float, seed: int) -> tuple[int, int, int]:
    """Writes patients until the files hold `megabytes` (10**6 bytes); gives patients, resources, bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    written = lines = 0
    with ExitStack() as stack:
        files = {kind: stack.enter_context((folder / f"{kind}.ndjson").open("wb")) for kind in ["Patient", *MIX]}
        for number in count():
            if written >= megabytes * 1e6:
                break
            for resource in record(number, relevant=relevant, seed=seed):
                written += files[resource["resourceType"]].write(compact(resource) + b"\n")
                lines += 1
    (folder / "manifest.json").write_text(json.dumps(manifest(list(files)), indent=1) + "\n", encoding="utf-8")
    return number, lines, written


def manifest(kinds: list[str]) -> Resource:
    """The Bulk Data answer of an export of everything: neither `_since` nor `_typeFilter`, no errors."""
    return {
        "transactionTime": f"{AS_OF}T00:00:00+08:00",
        "request": "https://ehr.example/fhir/$export",
        "requiresAccessToken": False,
        "output": [{"type": kind, "url": f"{kind}.ndjson"} for kind in kinds],
        "error": [],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.generate", description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=float, default=300, help="megabytes of the export (default 300)")
    parser.add_argument("--bundles", type=int, default=0, help="write so many per-patient Bundles instead of an export")
    parser.add_argument("--resources", type=int, default=58, help="resources in each Bundle (default 58)")
    parser.add_argument(
        "--relevant", type=float, default=RELEVANT, help=f"share of relevant codes (default {RELEVANT})"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    if asked.bundles:
        write_bundles(asked.out, asked.bundles, resources=asked.resources, relevant=asked.relevant, seed=asked.seed)
        return
    patients, lines, written = write_export(asked.out, asked.size, relevant=asked.relevant, seed=asked.seed)
    print(json.dumps({"patients": patients, "resources": lines, "bytes": written}))


if __name__ == "__main__":
    main()
