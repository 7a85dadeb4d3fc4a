"""The tables, for SQLite and PostgreSQL alike. At rest are facts and screenings, never resources.

An instant is a whole number of microseconds since 1970 in UTC, so that it sorts alike everywhere. What was known has
`known_from` and `known_to` (exclusive); FOREVER stands for what still is.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

FOREVER = 1 << 62

metadata = MetaData()
_KEY = Integer().with_variant(BigInteger, "postgresql")


def _known() -> tuple[Column[int], Column[int]]:
    return Column("known_from", BigInteger, nullable=False), Column("known_to", BigInteger, nullable=False)


runs = Table(
    "runs",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("started", BigInteger, nullable=False),
    Column("finished", BigInteger),
    Column("outcome", Text, nullable=False, default=""),
    Column("counts", Text, nullable=False, default="{}"),
)
"""One look at a server. `finished` stays empty where the process was killed."""

known = Table(
    "known",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("subject", String(300), nullable=False),
    Column("reference", String(300), nullable=False),
    Column("type", String(64), nullable=False),
    Column("version", String(100), nullable=False),
    Column("unread", Boolean, nullable=False),
    Column("medication", String(300)),
    Column("content", LargeBinary, nullable=False),
    *_known(),
    Index("known_by_subject", "subject", "known_to"),
    Index("known_by_reference", "reference", "known_to"),
    Index("known_by_medication", "medication", "known_to"),
)
"""What one version of one resource says: its facts, from when to when that was known."""

names = Table(
    "names",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("name", String(300), nullable=False),
    Column("survivor", String(300), nullable=False),
    Column("told_by", String(300), nullable=False),
    *_known(),
    Index("names_by_name", "name"),
    Index("names_by_survivor", "survivor"),
)
"""Patients merged into others, as a Patient resource (`told_by`) says."""

coverage = Table(
    "coverage",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("subject", String(300), nullable=False),
    Column("type", String(64), nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    *_known(),
    Index("coverage_by_subject", "subject", "known_to"),
)
"""The ledger: which types of a patient were read completely, by what query and under which scopes; else why not."""

cohort = Table(
    "cohort",
    metadata,
    Column("subject", String(300), primary_key=True),
    Column("why", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("read_at", BigInteger),
)
"""Who could matter. `read_at`: when everything of him was last read whole; empty: not yet, or to be read again."""

due = Table(
    "due",
    metadata,
    Column("subject", String(300), primary_key=True),
    Column("since", BigInteger, nullable=False),
)
"""Patients of whom something has changed since they were screened."""

screenings = Table(
    "screenings",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("trial", String(100), nullable=False),
    Column("patient", String(300), nullable=False),
    Column("known_at", BigInteger, nullable=False),
    Column("as_of", String(10), nullable=False),
    Column("status", String(20), nullable=False),
    Column("look_on", String(10)),
    Column("rules", String(80), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Index("screenings_by_patient", "trial", "patient", "id"),
)
"""Append-only: what was said of a patient. `look_on`: the day on which time alone changes a verdict."""

rules = Table(
    "rules",
    metadata,
    Column("digest", String(80), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
"""The mappings, the trial and the readings that were in force, packed, by the digest of the pack."""

cursors = Table(
    "cursors",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("value", Text, nullable=False),
)
"""How far the reading of a server has come."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("trial", String(100), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("problem", Text, nullable=False, default=""),
    UniqueConstraint("trial", "subject"),
)
"""Patients whose resources have still to be written to the server; a row leaves when the server has taken them."""

written = Table(
    "written",
    metadata,
    Column("reference", String(300), primary_key=True),
    Column("subject", String(300), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""What this program last wrote, the base of a three-way merge."""

audit = Table(
    "audit",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("detail", Text, nullable=False),
)
"""Who was written, purged, conflicted with, and when."""

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("day", String(10), nullable=False),
    Column("trial", String(100), nullable=False),
    Column("hook", String(40), nullable=False),
    Column("viewer", String(80), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("about", String(200), nullable=False),
    Column("state", Text, nullable=False),
    Column("shown", Boolean, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("reason", String(100), nullable=False),
    Column("answered", BigInteger),
    Index("alerts_by_subject", "subject", "about"),
    Index("alerts_by_day", "day", "viewer"),
)
"""Every card that a person saw, or would have seen in silent mode, and what he answered. `viewer` names the user by a
digest; `about` is the candidate or the criterion of a draft order; `state` what the card said; `closed`: it no longer
holds. `outcome` is empty, accepted or overridden."""

notifications = Table(
    "notifications",
    metadata,
    Column("id", _KEY, primary_key=True),
    Column("type", String(64), nullable=False),
    Column("resource", String(64), nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    UniqueConstraint("type", "resource"),
)
"""What a server said has changed and has still to be read: a resource, or (empty id) something of a type."""

digests = Table(
    "digests",
    metadata,
    Column("rule", String(100), primary_key=True),
    Column("screening", BigInteger, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("day", String(10), nullable=False),
)
"""How far each rule of who is told what has been told: up to which screening, when, on which day."""

PERSONAL = (known, coverage, cohort, due, outbox, written, audit, alerts)
"""The tables with a column `subject` of which a purge leaves nothing; screenings and names are purged by patient."""
