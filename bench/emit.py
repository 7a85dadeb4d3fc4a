"""Patients a second whose resources are made, encoded and judged by both production judges, on one core; prints JSON.

Beside it the same resources made and encoded without judges, so that the price of judging shows.
"""

import argparse
import json
import time
from datetime import date
from pathlib import Path
from statistics import median

from adapter.assignment.gate import Approved
from adapter.report.assigning import Wanted, carry_out
from adapter.report.run import Call, start
from adapter.resources.emit import assignment_resources
from adapter.resources.judges import judge
from adapter.resources.shape import encoded

EXAMPLES = Path(__file__).parent.parent / "examples"
AS_OF = date(2026, 11, 22)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    call = Call(
        sources=(str(EXAMPLES / "cohort"),), trial="ln-msc-il2", as_of=AS_OF, complete=("all",),
        readings=EXAMPLES / "assignment" / "readings.yaml",
    )  # fmt: skip
    run = start(call)
    wanted = Wanted(
        assignments=EXAMPLES / "assignment" / "assignments.csv", first_dose=None, screening_status=False,
        form="resources", out=None,
    )  # fmt: skip
    approved = [one.approved for one in carry_out(run, wanted).assigned.decisions if one.approved]
    assert len(approved) == 2, "the two patients of the demonstration"

    def emit(patient: Approved, *, judged: bool) -> int:
        made = [(resource, encoded(resource)) for resource in assignment_resources(run.trial, patient)]
        assert not judged or not [fault for one, text in made for fault in judge(one, text)]
        return len(made)

    def seconds(*, judged: bool) -> float:
        begun = time.perf_counter()
        for number in range(asked.patients):
            emit(approved[number % 2], judged=judged)
        return time.perf_counter() - begun

    pairs = [(seconds(judged=True), seconds(judged=False)) for _ in range(asked.rounds + 1)][1:]
    each = median(both for both, _ in pairs) / asked.patients
    told = {
        "patients_per_s": 1 / each,
        "ms": each * 1000,
        "judging": median(both / alone for both, alone in pairs),
        "resources": sum(emit(one, judged=False) for one in approved) / 2,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
