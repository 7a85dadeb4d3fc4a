"""What the sync needs to know of a site: sections of the configuration file, each value also by a variable.

[server]
base-url = "https://ehr.example/fhir"
ca-bundle = "hospital-ca.pem"          # beside a public one, where the hospital signs its own
client-certificate = "client.pem"      # mTLS, with client-key
proxy = "http://proxy.example:3128"    # nothing is taken from the environment
page-size = 200

[auth]                                 # kind: none, basic, bearer or smart
kind = "smart"
client-id = "trial-adapter"
keys = "private.jwks.json"             # for basic and bearer: secret-file, or the variable TRIAL_ADAPTER_SECRET

[cohort]                               # who could matter
conditions = "all"                     # every Condition, judged by the mappings; codes: asked for by code; none
clinics = ["http://hospital.example/clinics|nephrology"]
groups = ["Group/rheumatology"]
lists = ["List/lupus-register"]
everybody = false

[store]
url = "sqlite:///trial-adapter.db"     # or postgresql+pg8000://user@host/name

[sync]
trial = "ln-msc-il2"
overlap-seconds = 300                  # the clock of the server may be wrong by so much
reconcile-hours = 24                   # whoever was not read whole since then is read whole again
export = true                          # the first reading by Bulk Data $export, of at most export-minutes

[hooks]                                # cards in the EHR: CDS Hooks
url = "https://trial-adapter.hospital.example"   # as the EHR calls it; `aud` of its tokens begins with it
callers = [{issuer = "https://ehr.example", keys = "https://ehr.example/jwks.json"}]   # or a file of keys
fhir-servers = ["https://ehr.example/fhir"]      # other addresses of [server], to which alone its tokens may go
origins = ["https://ehr.example"]                # where the EHR runs in a browser
cards-per-user = 5                     # a day; and cards-per-day of all together
silent = true                          # nothing is shown, all is measured

[notifications]                        # rest-hook Subscriptions; the variable TRIAL_ADAPTER_NOTIFICATIONS_SECRET, too
secret-file = "notifications.secret"

[mail]                                 # digests
server = "smtp.hospital.example"
sender = "trial-adapter@hospital.example"
rules = [{name = "coordinator", to = ["trials@hospital.example"], at = "07:30"}]

`TRIAL_ADAPTER_SERVER_BASE_URL`, `TRIAL_ADAPTER_STORE_URL` and so on take precedence over the file.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from adapter.config import VARIABLE
from adapter.errors import UsageError

SECRET = "TRIAL_ADAPTER_SECRET"
"""The variable that holds the password or token, where no file does."""
NOTIFICATIONS_SECRET = "TRIAL_ADAPTER_NOTIFICATIONS_SECRET"
MAIL_SECRET = "TRIAL_ADAPTER_MAIL_SECRET"
_PREFIX = "TRIAL_ADAPTER"


class _Section(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True, kw_only=True):
    pass


class ServerSection(_Section, frozen=True):
    """The FHIR server."""

    base_url: str
    ca_bundle: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    proxy: str | None = None
    connect_seconds: float = 10
    read_seconds: float = 60
    retries: int = 5
    longest_wait_seconds: float = 600
    most_requests: int = 1_000_000
    page_size: int = 200
    threads: int = 8


class AuthSection(_Section, frozen=True):
    """How the server lets the program in."""

    kind: Literal["none", "basic", "bearer", "smart"] = "none"
    user: str = ""
    secret_file: str | None = None
    client_id: str = ""
    keys: str | None = None
    token_url: str | None = None


class CohortSection(_Section, frozen=True):
    """Who could matter."""

    conditions: Literal["all", "codes", "none"] = "all"
    clinics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    everybody: bool = False


class StoreSection(_Section, frozen=True):
    """Where facts and screenings are kept."""

    url: str = "sqlite:///trial-adapter.db"


class SyncSection(_Section, frozen=True):
    """How the server is read."""

    trial: str = "ln-msc-il2"
    overlap_seconds: int = 300
    reconcile_hours: int = 24
    history: bool = True
    export: bool = False
    export_minutes: int = 240


class Caller(_Section, frozen=True):
    """An EHR that may call: the `iss` of its tokens, and its keys, a JWKS URL (the only `jku` taken) or file."""

    issuer: str
    keys: str


class HooksSection(_Section, frozen=True):
    """Cards in the EHR. Without `callers` anybody who reaches the address may ask."""

    url: str = ""
    callers: tuple[Caller, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    cards_per_user: int = 5
    cards_per_day: int = 100
    silent: bool = False
    skew_seconds: int = 60
    body_bytes: int = 8 << 20
    answer_seconds: float = 5
    fetch_seconds: float = 2


class NotificationsSection(_Section, frozen=True):
    """What a server may tell. Without a secret nothing is listened to."""

    secret_file: str | None = None


class MailRule(_Section, frozen=True):
    """Who hears what, and when: at most one digest a day, at or after `at`, never in the quiet hours."""

    name: str
    to: tuple[str, ...]
    hears: tuple[Literal["eligible", "candidate", "lost", "problem"], ...] = (
        "eligible",
        "candidate",
        "lost",
        "problem",
    )
    at: str = "07:30"
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ("mon", "tue", "wed", "thu", "fri")
    quiet: str = "20:00-07:00"


class MailSection(_Section, frozen=True):
    """The mail server, and the rules. Without a server nobody is written to."""

    server: str = ""
    port: int = 25
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_bundle: str | None = None
    user: str = ""
    secret_file: str | None = None
    sender: str = ""
    link: str = ""
    rules: tuple[MailRule, ...] = ()


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """The sections of one site; `folder` is where relative paths begin."""

    folder: Path
    server: ServerSection
    auth: AuthSection = AuthSection()
    cohort: CohortSection = CohortSection()
    store: StoreSection = StoreSection()
    sync: SyncSection = SyncSection()
    hooks: HooksSection = HooksSection()
    notifications: NotificationsSection = NotificationsSection()
    mail: MailSection = MailSection()

    def path(self, name: str) -> Path:
        """A file that the configuration names."""
        return self.folder / name

    def secret(self) -> str:
        """The password or token of the FHIR server. Raises UsageError where there is none."""
        if found := self._secret("auth", self.auth.secret_file, SECRET):
            return found
        raise UsageError(f"auth.kind = {self.auth.kind!r} needs auth.secret-file, or the variable {SECRET}")

    def notifications_secret(self) -> str:
        """What a server sends with every notification; empty where nothing is set."""
        return self._secret("notifications", self.notifications.secret_file, NOTIFICATIONS_SECRET)

    def mail_secret(self) -> str:
        """The password of the mail server; empty where it wants none."""
        return self._secret("mail", self.mail.secret_file, MAIL_SECRET)

    def _secret(self, section: str, file: str | None, variable: str) -> str:
        if file is None:
            return os.environ.get(variable, "")
        try:
            return self.path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(f"{section}.secret-file cannot be read: {error.strerror}") from None


_SECTIONS: Mapping[str, type[_Section]] = {
    "server": ServerSection,
    "auth": AuthSection,
    "cohort": CohortSection,
    "store": StoreSection,
    "sync": SyncSection,
    "hooks": HooksSection,
    "notifications": NotificationsSection,
    "mail": MailSection,
}
S = TypeVar("S", bound=_Section)


def load_connection(path: Path | None, base_url: str | None = None) -> Connection:
    """The connection of a configuration file, with `base_url` instead of the one that it names.

    Raises UsageError with section and key for whatever is wrong.
    """
    named = path or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    table = _table(named) if named else {}
    found = {name: _values(table, name, named) for name in _SECTIONS}
    if base_url:
        found["server"]["base-url"] = base_url
    if not found["server"].get("base-url"):
        raise UsageError("no server is named; write base-url under [server], or set TRIAL_ADAPTER_SERVER_BASE_URL")
    return _checked(
        Connection(
            folder=(named.parent if named else Path()).resolve(),
            server=_section(found["server"], ServerSection, "server", named),
            auth=_section(found["auth"], AuthSection, "auth", named),
            cohort=_section(found["cohort"], CohortSection, "cohort", named),
            store=_section(found["store"], StoreSection, "store", named),
            sync=_section(found["sync"], SyncSection, "sync", named),
            hooks=_section(found["hooks"], HooksSection, "hooks", named),
            notifications=_section(found["notifications"], NotificationsSection, "notifications", named),
            mail=_section(found["mail"], MailSection, "mail", named),
        )
    )


def _checked(found: Connection) -> Connection:
    server, auth = found.server, found.auth
    if not server.base_url.lower().startswith(("http://", "https://")):
        raise UsageError(f"server.base-url {server.base_url!r} is no http address; write https://...")
    if (server.client_certificate is None) != (server.client_key is None):
        raise UsageError("server.client-certificate and server.client-key belong together; write both")
    if auth.kind == "smart" and not (auth.client_id and auth.keys):
        raise UsageError("auth.kind = 'smart' needs auth.client-id and auth.keys")
    for name in ("page_size", "retries", "threads", "most_requests"):
        if getattr(server, name) < 1:
            raise UsageError(f"server.{name.replace('_', '-')} must be above 0")
    return found


def _table(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; name a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None


def _values(table: Mapping[str, object], name: str, path: Path | None) -> dict[str, object]:
    """A section as the file has it, overridden by variables."""
    section = table.get(name, {})
    if not isinstance(section, dict):
        raise UsageError(f"{path}: {name} must be a table: write [{name}]")
    variables: dict[str, object] = {}
    for field in msgspec.structs.fields(_SECTIONS[name]):
        value = os.environ.get(f"{_PREFIX}_{name}_{field.name}".upper())
        if value is not None:
            variables[field.encode_name] = value.split(",") if field.type == tuple[str, ...] else value
    return {**section, **variables}


def _section(values: Mapping[str, object], kind: type[S], name: str, path: Path | None) -> S:
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path or 'the environment'}: [{name}] {str(error).replace('$.', '')}") from None
