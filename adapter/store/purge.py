"""Taking a patient, or what is old, out of the store for good."""

from sqlalchemy import Connection, delete, func, or_, select

from adapter.store.tables import FOREVER, PERSONAL, coverage, known, names, screenings


def purge_patient(connection: Connection, patient: str) -> int:
    """Deletes everything of a patient and of the records merged into him; the number of rows."""
    near = select(names).where(or_(names.c.name == patient, names.c.survivor == patient))
    keys = sorted({patient, *(key for row in connection.execute(near) for key in (row.name, row.survivor))})
    removed = sum(connection.execute(delete(table).where(table.c.subject.in_(keys))).rowcount for table in PERSONAL)
    removed += connection.execute(delete(screenings).where(screenings.c.patient.in_(keys))).rowcount
    told = or_(names.c.name.in_(keys), names.c.survivor.in_(keys))
    return removed + connection.execute(delete(names).where(told)).rowcount


def purge_before(connection: Connection, at: int) -> int:
    """Deletes what was superseded before an instant, and screenings older than it that are not a patient's latest."""
    removed = 0
    for table in (known, coverage, names):
        old = delete(table).where(table.c.known_to != FOREVER, table.c.known_to < at)
        removed += connection.execute(old).rowcount
    newest = select(func.max(screenings.c.id)).group_by(screenings.c.trial, screenings.c.patient).scalar_subquery()
    old = delete(screenings).where(screenings.c.known_at < at, screenings.c.id.not_in(newest))
    return removed + connection.execute(old).rowcount
