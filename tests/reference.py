"""Writes docs/reference/criteria.md from the tables of tests/spec: ``python -m tests.reference``.

One section a criterion, in the order of the trial: its sentence, and what is expected of which record.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml

from tests.builders import TRIAL
from tests.spec.table import AS_OF, TABLES, Row, Table

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "criteria.md"
CRITERIA = ROOT / "mappings" / "trials" / TRIAL / "criteria.yaml"

HEAD = f"""# What each criterion answers

Made from the tables of `tests/spec` by `python -m tests.reference`; the tests fail when it is stale.
Change a table, not this page.

Expected is whether the criterion's **own sentence** holds of the patient: an exclusion with `yes` excludes.
Unless a line says otherwise the day is {AS_OF}, no anchor is given (each is then that day), nothing is
declared complete, every reading stands at its default, and the patient is a woman born on 1 May 1990.
"""


def page() -> str:
    """The whole page, as text."""
    tables = _tables()
    sentences = _sentences()
    missing = sorted(set(tables) ^ set(sentences))
    if missing:
        raise ValueError(f"criteria without a table, or tables without a criterion: {', '.join(missing)}")
    return "\n".join([HEAD, *(_section(tables[name], sentences[name]) for name in sentences)])


def _tables() -> Mapping[str, Table]:
    for path in sorted((ROOT / "tests" / "spec").glob("test_*.py")):
        importlib.import_module(f"tests.spec.{path.stem}")
    return TABLES


def _sentences() -> dict[str, str]:
    """Criterion id -> the protocol's sentence, in the order of the trial."""
    document = yaml.safe_load(CRITERIA.read_text(encoding="utf-8"))
    return {one["id"]: " ".join(one["sentence"].split()) for one in document["criteria"]}


def _section(table: Table, sentence: str) -> str:
    lines = [f"## `{table.criterion}`: {table.title}", "", f"> {sentence}", ""]
    lines += ["| the record says | expected | because |", "|---|---|---|"]
    lines += [f"| {_cell(_said(row))} | {row.truth} | {_cell(row.reason or '')} |" for row in table.rows]
    return "\n".join([*lines, ""])


def _said(row: Row) -> str:
    conditions = "; ".join(_conditions(row.options))
    return f"{row.says} ({conditions})" if conditions else row.says


def _conditions(options: Mapping[str, object]) -> Iterator[str]:
    """The row's options, in the words of the command line."""
    for name, value in options.items():
        match value:
            case Mapping():
                yield ", ".join(f"{reading} = {option}" for reading, option in value.items())
            case bool():
                yield name.replace("_", " ")
            case str():
                yield f"{name.replace('_', ' ')} {value}"
            case Iterable():
                yield f"{name.replace('_', ' ')} {', '.join(value)}"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def main() -> None:
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {sum(len(table.rows) for table in TABLES.values())} rows")


if __name__ == "__main__":
    main()
