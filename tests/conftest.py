"""What tests of several folders share: one HAPI FHIR JPA server for all that want one."""

from collections.abc import Iterator

import pytest

from tests.hapi.server import Hapi, running


@pytest.fixture(scope="session")
def hapi() -> Iterator[Hapi]:
    """HAPI with its data in memory; each test brings patients of its own."""
    with running() as server:
        yield server
