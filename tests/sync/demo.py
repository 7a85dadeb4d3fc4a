"""A sync to look at, without Java: `python -m tests.sync.demo` loads the example cohort into an embedded server, syncs
it as of the day of the examples, changes one laboratory result, and syncs again.
"""

import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path

from adapter.report.history import history_lines
from adapter.report.standing import standing, status_lines
from adapter.store.database import transaction
from tests.sync import sekmet
from tests.sync.load import load
from tests.sync.site import COHORT, TRIAL, Site
from tests.sync.story import LAB

PATIENT = "Patient/eligible"


def main() -> None:
    """Prints what a coordinator would see."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "server"
        place.mkdir()
        with sekmet.running(place) as base_url:
            load(base_url, sorted(COHORT.iterdir()))
            show(Site(base_url, Path(folder)))


def show(site: Site) -> None:
    """Two runs with a change in between."""
    print("A FHIR server holds the example cohort. The first sync reads everybody:")
    site.run(write=True)
    print(f"  {told(site)}")
    little = {"value": 0.4, "unit": "g/g", "system": "http://unitsofmeasure.org", "code": "g/g"}
    site.edit(LAB, valueQuantity=little)
    print(f"\nThe laboratory corrects {LAB} to 0.4 g/g. An hour later the next sync reads what has changed:")
    site.run(write=True, later=timedelta(hours=1))
    print(f"  {told(site)}; screened anew: {', '.join(site.screened)}")
    print(f"\ntrial-adapter history --patient {PATIENT.removeprefix('Patient/')}")
    with transaction(site.engine) as db:
        for line in history_lines(db, TRIAL, PATIENT):
            print(f"  {line}")
        print("\ntrial-adapter status")
        for line in status_lines(standing(db, TRIAL), site.at):
            print(f"  {line}")


def told(site: Site) -> str:
    """The figures of the last run, and how many have which status."""
    assert site.last is not None
    figures = ", ".join(f"{count} {what}" for what, count in site.last.counts.items() if count)
    statuses = Counter(one["status"] for one in site.verdicts().values())
    return f"{figures}; now {', '.join(f'{count} {status}' for status, count in sorted(statuses.items()))}"


if __name__ == "__main__":
    main()
