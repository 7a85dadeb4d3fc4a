"""One patient, bytes in to Screening out, against `orjson.loads` of the same bytes; prints JSON.

Several records take turns, so that no cache of one record's codes flatters the figure; both readers see
the same bytes in the same round. The trial is loaded before the clock starts, as in a service.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from statistics import median

import orjson

from adapter import load_trial, screen_bundle
from bench.generate import RELEVANT, SEED, bundle
from bench.records import AS_OF


def seconds(read: Callable[[bytes], object], records: list[bytes]) -> float:
    start = time.perf_counter()
    for record in records:
        read(record)
    return time.perf_counter() - start


def measure(records: list[bytes], rounds: int) -> dict[str, float]:
    """Medians over the rounds: milliseconds a record of both readers, and the ratio within a round."""
    trial = load_trial("ln-msc-il2")

    def screen(record: bytes) -> int:
        (screening,) = screen_bundle(record, trial, as_of=AS_OF, complete="all")
        return len(screening.criteria)

    assert {screen(record) for record in records} == {20}
    pairs = [(seconds(screen, records), seconds(orjson.loads, records)) for _ in range(rounds)]
    return {
        "ratio": median(ours / theirs for ours, theirs in pairs),
        "ours_ms": median(ours for ours, _ in pairs) / len(records) * 1000,
        "orjson_ms": median(theirs for _, theirs in pairs) / len(records) * 1000,
        "bytes": sum(map(len, records)) / len(records),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.one", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--resources", type=int, default=200)
    parser.add_argument("--records", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--relevant", type=float, default=RELEVANT)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    made = [
        bundle(number, resources=asked.resources, relevant=asked.relevant, seed=asked.seed)
        for number in range(asked.records)
    ]
    json.dump(measure(made, asked.rounds), sys.stdout)


if __name__ == "__main__":
    main()
