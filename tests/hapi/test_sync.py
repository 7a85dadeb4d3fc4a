"""The same story against HAPI FHIR JPA."""

from pathlib import Path

import pytest

from tests.hapi.server import running
from tests.sync.load import load
from tests.sync.site import COHORT, Site
from tests.sync.story import STORY

pytestmark = pytest.mark.hapi


def test_the_story(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        load(server.base_url, sorted(COHORT.iterdir()))
        site = Site(server.base_url, tmp_path)
        for step in STORY:
            step(site)
