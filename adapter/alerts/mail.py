"""Sends digests: one mail a rule, as text and as HTML, with counts and a link."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from sqlalchemy import Engine

from adapter.alerts.digest import TOLD, Digest, check, digest_of, note_sent
from adapter.connection import Connection
from adapter.eligibility.trial import Trial
from adapter.resources.shape import study_uuid
from adapter.store.database import instant, transaction

_SECONDS = 30


def send_due(engine: Engine, settings: Connection, trial: Trial, now: datetime) -> list[str]:
    """Sends what is due at a time of the site; what failed, a sentence each, is due again. Raises UsageError."""
    check(settings.mail)
    problems = []
    for rule in settings.mail.rules if settings.mail.server else ():
        with transaction(engine) as db:
            digest = digest_of(db, trial, rule, now)
        if digest is None:
            continue
        try:
            if not digest.is_empty:
                send(settings, message(settings, trial, digest, now))
        except (OSError, smtplib.SMTPException) as error:
            problems.append(f"the digest {rule.name!r} could not be sent: {type(error).__name__}; it is tried again")
            continue
        with transaction(engine) as db:
            note_sent(db, digest, instant(now))
    return problems


def message(settings: Connection, trial: Trial, digest: Digest, now: datetime) -> EmailMessage:
    """The mail of a digest. Its Message-ID is that of its rule and day, so that a second copy is known as one."""
    mail = settings.mail
    found = EmailMessage()
    found["Subject"] = f"{trial.id}: {', '.join(f'{count} {what}' for what, count in digest.counts.items() if count)}"
    found["From"], found["To"] = mail.sender, ", ".join(digest.rule.to)
    found["Date"] = format_datetime(now)
    identity = study_uuid(trial.id, f"digest {digest.rule.name} {digest.day.isoformat()}")
    found["Message-ID"] = f"<{identity}@{mail.sender.partition('@')[2]}>"
    found["Auto-Submitted"] = "auto-generated"
    lines = [f"{count:4}  {TOLD[what]}" for what, count in digest.counts.items() if count]
    look = [f"Look: {mail.link}"] if mail.link else ["Look: trial-adapter status"]
    found.set_content("\n".join([trial.title, "", *lines, "", *look, ""]))
    found.add_alternative(_html(settings, trial, digest), subtype="html")
    return found


def _html(settings: Connection, trial: Trial, digest: Digest) -> str:
    rows = "".join(
        f"<tr><td align=right><b>{count}</b></td><td>{escape(TOLD[what])}</td></tr>"
        for what, count in digest.counts.items()
        if count
    )
    link = escape(settings.mail.link, quote=True)
    look = f'<p><a href="{link}">Look</a></p>' if link else "<p>Look: <code>trial-adapter status</code></p>"
    return f"<!doctype html><html><body><p>{escape(trial.title)}</p><table>{rows}</table>{look}</body></html>"


def send(settings: Connection, mail: EmailMessage) -> None:
    """Hands a mail to the server. Raises OSError or SMTPException."""
    with _server(settings) as server:
        if settings.mail.user:
            server.login(settings.mail.user, settings.mail_secret())
        server.send_message(mail)


@contextmanager
def _server(settings: Connection) -> Iterator[smtplib.SMTP]:
    mail = settings.mail
    trusted = ssl.create_default_context(cafile=str(settings.path(mail.ca_bundle)) if mail.ca_bundle else None)
    if mail.security == "tls":
        with smtplib.SMTP_SSL(mail.server, mail.port, timeout=_SECONDS, context=trusted) as server:
            yield server
        return
    with smtplib.SMTP(mail.server, mail.port, timeout=_SECONDS) as server:
        if mail.security == "starttls":
            server.starttls(context=trusted)
        yield server
