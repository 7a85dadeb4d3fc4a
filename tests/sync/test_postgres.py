"""The store on PostgreSQL: the same story, the same memory, one run at a time."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect

from adapter.errors import StoreError
from adapter.report.replay import replayed
from adapter.store.database import instant, transaction
from adapter.store.lock import only_one
from adapter.store.purge import purge_patient
from adapter.store.tables import metadata
from tests.sync import postgres
from tests.sync.load import load
from tests.sync.site import COHORT, TRIAL, Site
from tests.sync.story import STORY

pytestmark = pytest.mark.postgresql


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgres.running(tmp_path_factory.mktemp("postgres")) as url:
        yield url


def test_the_story_on_postgresql(server: str, database: str, tmp_path: Path) -> None:
    load(server, sorted(COHORT.iterdir()))
    site = Site(server, tmp_path, store=database)
    try:
        lived(site)
    finally:
        site.engine.dispose()


def lived(site: Site) -> None:
    assert set(inspect(site.engine).get_table_names()) == {*metadata.tables, "alembic_version"}
    for step in STORY:
        step(site)
    with transaction(site.engine) as db:
        again = list(replayed(db, TRIAL, instant(site.at + timedelta(days=1))))
        assert again and not any(one.differences for one in again)
    with only_one(site.engine), pytest.raises(StoreError, match="another sync"), only_one(site.engine):
        pass
    with only_one(site.engine), transaction(site.engine) as db:
        assert purge_patient(db, "Patient/eligible") > 30
