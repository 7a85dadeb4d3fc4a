"""Who is told by mail, of what and when: with a real SMTP server, and without a word about a patient."""

import ssl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import Engine, insert

from adapter.alerts.digest import is_due
from adapter.alerts.mail import send_due
from adapter.connection import Connection, MailRule, MailSection, ServerSection
from adapter.errors import UsageError
from adapter.store.database import open_store, transaction
from adapter.store.tables import runs, screenings
from tests.alerts.ehr import ROOT, TRIAL, rules
from tests.hapi.server import free_port

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 23, 7, 30, tzinfo=ZONE)
RULE = MailRule(name="coordinator", to=("trials@hospital.example", "second@hospital.example"))


class Inbox:
    """What an SMTP server took."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.raw.append(envelope.content)
        return "250 taken"

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(one, policy=policy.default) for one in self.raw]  # type: ignore[misc]


@contextmanager
def smtp(inbox: Inbox, **more: Any) -> Iterator[int]:
    port = free_port()
    server = Controller(inbox, hostname="127.0.0.1", port=port, **more)
    server.start()
    try:
        yield port
    finally:
        server.stop()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    found = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield found
    found.dispose()


def settings(port: int, folder: Path, rule: MailRule = RULE, **more: Any) -> Connection:
    mail = {"server": "127.0.0.1", "security": "none", "sender": "trial-adapter@hospital.example", **more}
    section = MailSection(port=port, rules=(rule,), link="https://trials.example/?a=1&b=2", **mail)
    return Connection(folder=folder, server=ServerSection(base_url="http://x"), mail=section)


def screened(engine: Engine, **patients: str) -> None:
    """Screenings, by patient: eligible, candidate (open), ineligible, stranger (open, no diagnosis)."""
    with transaction(engine) as db:
        for name, state in patients.items():
            status = {"candidate": "undetermined", "stranger": "undetermined"}.get(state, state)
            truth = "unknown" if state == "stranger" else "yes"
            document = {"status": status, "criteria": [{"id": "inc-lupus-nephritis", "truth": truth}]}
            packed = zlib.compress(msgspec.json.encode(document))
            db.execute(insert(screenings).values(trial=TRIAL, patient=f"Patient/{name}", known_at=1, as_of="2026-11-22", status=status,
                                                 look_on=None, rules="r", document=packed))  # fmt: skip


def told(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    text: str = part.get_content()
    return text


def test_a_digest_counts_what_has_changed_and_says_nothing_of_anybody(engine: Engine, tmp_path: Path) -> None:
    inbox = Inbox()
    screened(engine, zhang="eligible", li="candidate", wang="ineligible", zhao="stranger")
    with smtp(inbox) as port:
        site = settings(port, tmp_path)
        assert send_due(engine, site, rules().trial, MONDAY) == []
        screened(engine, zhang="ineligible", li="eligible", wang="candidate", zhao="candidate", qian="candidate")
        screened(engine, qian="ineligible", zhao="stranger")
        assert send_due(engine, site, rules().trial, MONDAY + timedelta(days=1)) == []
    first, second = inbox.mails
    assert first["Subject"] == f"{TRIAL}: 1 eligible, 1 candidate"
    assert second["Subject"] == f"{TRIAL}: 1 eligible, 1 candidate, 1 lost"
    assert (
        first["To"] == "trials@hospital.example, second@hospital.example"
        and first["Auto-Submitted"] == "auto-generated"
    )
    page = (ROOT / "docs" / "how-to" / "tune-who-is-told.md").read_text(encoding="utf-8")
    assert told(second).strip().replace("\r\n", "\n") in page, "the page shows what is sent"
    html = second.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert 'href="https://trials.example/?a=1&amp;b=2"' in html and "<b>1</b>" in html
    everything = b"".join(inbox.raw)
    assert b"Patient" not in everything and not any(name in everything for name in (b"zhang", b"li@", b"wang", b"qian"))


def test_one_digest_a_day_and_none_when_there_is_nothing_to_tell(engine: Engine, tmp_path: Path) -> None:
    inbox = Inbox()
    screened(engine, a="eligible")
    with smtp(inbox) as port:
        site = settings(port, tmp_path)
        for minutes in (-1, 0, 1, 60, 24 * 60, 48 * 60):
            send_due(engine, site, rules().trial, MONDAY + timedelta(minutes=minutes))
        screened(engine, a="ineligible", b="eligible")
        screened(engine, b="ineligible")
        for days in (3, 4):
            send_due(engine, site, rules().trial, MONDAY + timedelta(days=days))
    assert [mail["Subject"] for mail in inbox.mails] == [f"{TRIAL}: 1 eligible", f"{TRIAL}: 1 lost"]
    assert len({mail["Message-ID"] for mail in inbox.mails}) == 2


def test_problems_of_the_sync_are_told_to_those_who_hear_them(engine: Engine, tmp_path: Path) -> None:
    inbox = Inbox()
    with transaction(engine) as db:
        for outcome in ("", "note: nothing", "Observation: HTTP 500", "note: x; Condition: HTTP 403"):
            db.execute(insert(runs).values(started=1, finished=5, outcome=outcome, counts="{}"))
    screened(engine, a="eligible")
    with smtp(inbox) as port:
        send_due(
            engine,
            settings(port, tmp_path, MailRule(name="it", to=("it@hospital.example",), hears=("problem",))),
            rules().trial,
            MONDAY,
        )
    assert [mail["Subject"] for mail in inbox.mails] == [f"{TRIAL}: 2 problem"]


def test_when_the_server_is_away_the_digest_waits(engine: Engine, tmp_path: Path) -> None:
    inbox = Inbox()
    screened(engine, a="eligible")
    (problem,) = send_due(engine, settings(free_port(), tmp_path), rules().trial, MONDAY)
    assert "ConnectionRefusedError" in problem and "hospital.example" not in problem
    with smtp(inbox) as port:
        assert send_due(engine, settings(port, tmp_path), rules().trial, MONDAY + timedelta(minutes=1)) == []
    assert len(inbox.mails) == 1


AT = MailRule(name="r", to=("a@b",), at="07:30", quiet="20:00-07:00", days=("mon", "tue"))
DUE = [
    ("a minute before", MONDAY - timedelta(minutes=1), AT, "", False),
    ("on the minute", MONDAY, AT, "", True),
    ("sent today", MONDAY, AT, "2026-11-23", False),
    ("sent yesterday", MONDAY, AT, "2026-11-22", True),
    ("the last quiet minute of the day before", MONDAY.replace(hour=19, minute=59), AT, "", True),
    ("quiet begins", MONDAY.replace(hour=20, minute=0), AT, "", False),
    ("before midnight", MONDAY.replace(hour=23, minute=59), AT, "", False),
    ("at a quiet time", MONDAY.replace(hour=6, minute=59), MailRule(name="r", to=("a@b",), at="00:00"), "", False),
    ("quiet ends", MONDAY.replace(hour=7, minute=0), MailRule(name="r", to=("a@b",), at="00:00"), "", True),
    ("quiet within a day", MONDAY.replace(hour=13), MailRule(name="r", to=("a@b",), quiet="12:00-14:00"), "", False),
    ("after that", MONDAY.replace(hour=14, minute=0), MailRule(name="r", to=("a@b",), quiet="12:00-14:00"), "", True),
    ("a day off", MONDAY + timedelta(days=2), AT, "", False),
    ("Saturday", MONDAY + timedelta(days=5), MailRule(name="r", to=("a@b",)), "", False),
]


@pytest.mark.parametrize(("now", "rule", "sent", "due"), [row[1:] for row in DUE], ids=[row[0] for row in DUE])
def test_a_rule_is_due(now: datetime, rule: MailRule, sent: str, due: bool) -> None:
    assert is_due(rule, now, sent) == due


WRONG = [
    ({"sender": ""}, RULE, "mail.sender"),
    ({}, MailRule(name="r", to=()), "somebody in `to`"),
    ({}, MailRule(name="r", to=("a@b\nBcc: evil@x",)), "address"),
    ({}, MailRule(name="r", to=("nobody",)), "address"),
    ({}, MailRule(name="r", to=("a@b",), at="7.30"), "HH:MM"),
    ({}, MailRule(name="r", to=("a@b",), quiet="20:00"), "HH:MM"),
]


@pytest.mark.parametrize(("more", "rule", "said"), WRONG)
def test_settings_by_which_nothing_could_be_sent_are_refused(
    engine: Engine, tmp_path: Path, more: Any, rule: MailRule, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        send_due(engine, settings(1, tmp_path, rule, **more), rules().trial, MONDAY)


# --- TLS and passwords ---


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A server's own certificate for 127.0.0.1, and its side of TLS."""
    from ipaddress import ip_address

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1)).not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    public, private = folder / "mail.pem", folder / "mail.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


@pytest.mark.parametrize(("ca_bundle", "sent"), [("mail.pem", 1), (None, 0)], ids=["known", "unknown"])
def test_starttls_with_a_password_and_only_to_a_server_that_is_known(
    engine: Engine, tmp_path: Path, ca_bundle: str | None, sent: int
) -> None:
    inbox, asked = Inbox(), []
    _, context = certificate(tmp_path)
    (tmp_path / "password").write_text("s3cret")

    def let_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        asked.append((data.login, data.password))
        return AuthResult(success=True)

    screened(engine, a="eligible")
    with smtp(inbox, tls_context=context, require_starttls=True, authenticator=let_in, auth_required=True) as port:
        site = settings(port, tmp_path, security="starttls", ca_bundle=ca_bundle, user="trial", secret_file="password")
        problems = send_due(engine, site, rules().trial, MONDAY)
    assert len(inbox.mails) == sent and bool(problems) == (not sent)
    assert asked == [(b"trial", b"s3cret")] * sent
