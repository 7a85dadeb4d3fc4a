"""What `assign` and `trial export` write, given to a real server as it is, and read back."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.commands import Call, caller
from tests.hapi.server import Hapi
from tests.sync.load import JSON, load

ROOT = Path(__file__).parents[2]
COHORT = ROOT / "examples" / "cohort"
pytestmark = pytest.mark.hapi


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Call:
    return caller(monkeypatch, capsysbinary)


def read_back(base_url: str, resource: dict[str, Any]) -> Any:
    """The resource as the server gives it, numbers by their digits, without what a server adds."""
    url = f"{base_url}/{resource['resourceType']}/{resource['id']}"
    found = json.loads(requests.get(url, timeout=60).text, parse_float=str)
    for name in ("versionId", "lastUpdated", "source"):
        found["meta"].pop(name, None)
    return found


def without_versions(value: Any) -> Any:
    """HAPI strips versions from references, but where it is told not to; the display of ours says them too."""
    if isinstance(value, dict):
        return {
            key: one.partition("/_history/")[0]
            if key == "reference" and isinstance(one, str)
            else without_versions(one)
            for key, one in value.items()
        }
    return [without_versions(one) for one in value] if isinstance(value, list) else value


def test_what_is_written_opens_in_a_server_unchanged(hapi: Hapi, call: Call, tmp_path: Path) -> None:
    load(hapi.base_url, sorted(COHORT.iterdir()))
    example = ROOT / "examples" / "assignment"
    done = call(
        "assign", COHORT, "--assignments", example / "assignments.csv", "--readings", example / "readings.yaml",
        "--as-of", "2026-11-22", "--complete", "all", "--format", "bundle", "--out", tmp_path, "--screening-status",
    )  # fmt: skip
    assert done.code in (0, 1), done.err
    files = sorted(tmp_path.glob("*.json"), key=lambda path: (path.stem != "study", path.stem == "candidates"))
    kinds = set()
    for path in files:
        answer = requests.post(hapi.base_url, data=path.read_bytes(), headers=JSON, timeout=120)
        assert answer.status_code == 200, (path.name, answer.text[:1000])
        for entry in json.loads(path.read_text(encoding="utf-8"), parse_float=str)["entry"]:
            kinds.add(entry["resource"]["resourceType"])
            assert read_back(hapi.base_url, entry["resource"]) == without_versions(entry["resource"])
    assert kinds >= {"ResearchStudy", "CarePlan", "MedicationRequest", "ResearchSubject", "Provenance", "List"}
    for path in files:  # once more: nothing changes
        answer = requests.post(hapi.base_url, data=path.read_bytes(), headers=JSON, timeout=120).json()
        assert {entry["response"]["etag"] for entry in answer["entry"]} == {"1"}
