"""The reference page says what the tables say."""

from tests.reference import PAGE, page
from tests.spec.table import TABLES


def test_the_page_is_what_the_tables_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "stale: run `python -m tests.reference`"


def test_the_page_has_a_line_for_every_row() -> None:
    lines = [line for line in page().splitlines() if line.endswith("|")]
    headings = 2 * len(TABLES)
    assert len(lines) == headings + sum(len(table.rows) for table in TABLES.values())
