"""Real HAPI tells of what happens, by rest-hook Subscriptions that the command made."""

from pathlib import Path

import pytest

from tests.alerts.told import Told, away, the_story
from tests.hapi.server import running
from tests.sync.load import load
from tests.sync.site import COHORT, Site

pytestmark = pytest.mark.hapi


def test_the_story(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        load(server.base_url, sorted(COHORT.iterdir()))
        told = Told(Site(server.base_url, tmp_path), tmp_path)
        the_story(told, tells_deletions=True)
        away(told, 60)
