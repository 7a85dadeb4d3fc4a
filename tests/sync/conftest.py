"""The servers of these tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sync import sekmet
from tests.sync.load import load
from tests.sync.site import COHORT, Site


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """An empty sekmet server."""
    folder = tmp_path / "server"
    folder.mkdir()
    with sekmet.running(folder) as base_url:
        yield base_url


@pytest.fixture
def site(server: str, tmp_path: Path) -> Site:
    """A site whose server holds the example cohort."""
    load(server, sorted(COHORT.iterdir()))
    return Site(server, tmp_path)


@pytest.fixture
def site_at(tmp_path: Path) -> Callable[..., Site]:
    """Makes a site at a base URL."""

    def made(base_url: str, **more: Any) -> Site:
        return Site(base_url, tmp_path, **more)

    return made
