"""Other readers of the same export, each a process of its own: `python -m bench.peers --help`."""

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path

from bench.records import AS_OF

QUERY = Path(__file__).with_name("three_criteria.sql")


def duckdb_answers(folder: Path, out: Path) -> None:
    """DuckDB's JSON reader, typed columns, all cores: a CSV line a patient, three criteria."""
    import duckdb

    sql = QUERY.read_text(encoding="utf-8").replace("$folder", str(folder)).replace("$as_of", AS_OF.isoformat())
    answer = duckdb.connect().execute(sql)
    with out.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([column[0].replace("_", "-") for column in answer.description])
        rows.writerows(answer.fetchall())


def sample(folder: Path, every: int) -> Iterator[tuple[str, bytes]]:
    """Each file's type with every n-th line of it, from the first on."""
    for path in sorted(folder.glob("*.ndjson")):
        with path.open("rb") as lines:
            for line in islice(lines, 0, None, every):
                yield path.stem, line


def fhir_resources_parses(folder: Path, every: int) -> dict[str, float]:
    """`model_validate_json` of the R4B classes on a sample of the lines; the time of parsing alone."""
    chosen = list(sample(folder, every))
    kinds = {kind for kind, _ in chosen}
    models = {kind: getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind) for kind in kinds}
    for (
        kind,
        model,
    ) in models.items():  # the classes complete themselves on first use; not to be held against them
        model.model_validate_json(next(line for other, line in chosen if other == kind))
    start = time.perf_counter()
    for kind, line in chosen:
        models[kind].model_validate_json(line)
    seconds = time.perf_counter() - start
    return {"lines": len(chosen), "bytes": sum(len(line) for _, line in chosen), "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("peer", choices=["duckdb", "fhir-resources"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("duckdb.csv"))
    parser.add_argument("--every", type=int, default=50)
    asked = parser.parse_args()
    if asked.peer == "duckdb":
        duckdb_answers(asked.folder, asked.out)
    else:
        json.dump(fhir_resources_parses(asked.folder, asked.every), sys.stdout)


if __name__ == "__main__":
    main()
