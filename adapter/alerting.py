"""The commands of a service that stays: serve the EHR, be told by a server, and what came of it.

Imported by `adapter.cli`; what they need is imported when it is needed.
"""

from pathlib import Path

import click

from adapter.commands import lines_out, store_of
from adapter.config import load_config
from adapter.connection import load_connection
from adapter.errors import UsageError
from adapter.options import CONFIG, READINGS

PARTS = ("schedule", "hooks", "notifications", "mail")
_URL = click.argument("url", required=False)


@click.command()
@_URL
@click.option(
    "--schedule",
    default="*/15 * * * *",
    show_default=True,
    metavar="CRON",
    help="A crontab line, on the site's calendar.",
)
@click.option(
    "--listen",
    default="127.0.0.1:9464",
    show_default=True,
    metavar="HOST:PORT",
    help="For /healthz, /readyz and /metrics.",
)
@click.option(
    "--answer",
    default="127.0.0.1:9465",
    show_default=True,
    metavar="HOST:PORT",
    help="For the EHR: CDS Hooks, and a server's notifications.",
)
@click.option(
    "--only", "parts", type=click.Choice(PARTS), multiple=True, help="A part; all that are configured if none."
)
@click.option("--write", is_flag=True, help="Write ResearchSubjects and the List to the server.")
@click.option(
    "--no-authentication", "open_to_all", is_flag=True, help="Answer anybody, on an address that others reach."
)
@READINGS
@CONFIG
def serve(
    url: str | None, schedule: str, listen: str, answer: str, parts: tuple[str, ...], write: bool, open_to_all: bool,
    readings: Path | None, config: Path | None,
) -> int:  # fmt: skip
    """Run until SIGTERM: the sync on a schedule, cards for the EHR, notifications, mail. Logs are JSON lines."""
    from adapter.alerts.service import Wanted, serve_all
    from adapter.sync.start import rules_of

    settings, site = load_connection(config, url), load_config(config)
    serve_all(
        Wanted(
            settings, site, store_of(settings), lambda: rules_of(site, settings.sync.trial, readings), write,
            frozenset(parts or PARTS), schedule, _address("--listen", listen), _address("--answer", answer),
            open_to_all,
        )
    )  # fmt: skip
    return 0


@click.command()
@_URL
@click.option(
    "--endpoint", metavar="URL", help="Where the server is to deliver: hooks.url of the configuration if none."
)
@click.option("--remove", is_flag=True, help="Take them off the server.")
@CONFIG
def subscribe(url: str | None, endpoint: str | None, remove: bool, config: Path | None) -> int:
    """Ask the server to tell of every change: a rest-hook Subscription for each type that the trial reads.

    Said again, it renews those that the server has switched off. Exit code 1: one is not active.
    """
    from adapter.alerts.subscribe import removed, subscribed
    from adapter.sync.start import rules_of

    settings, site = load_connection(config, url), load_config(config)
    rules = rules_of(site, settings.sync.trial)
    if remove:
        lines_out(removed(settings, rules))
        return 0
    rows = subscribed(settings, rules, endpoint or settings.hooks.url)
    lines_out(row.line() for row in rows)
    return int(not all(row.is_active for row in rows))


@click.group()
def alerts() -> None:
    """The cards of the EHR."""


@alerts.command("report")
@click.option("--since", metavar="DATE", default="", help="From that day on.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@CONFIG
def alerts_report(since: str, form: str, config: Path | None) -> int:
    """How many cards were shown, taken up, or overridden and why. Precision: taken up of all that were answered."""
    import msgspec

    from adapter.report.alerts import report_lines, reported
    from adapter.store.database import transaction

    settings = load_connection(config, "http://none.example")
    with transaction(store_of(settings)) as db:
        found = reported(db, settings.sync.trial, since)
    lines_out([msgspec.json.encode(found).decode()] if form == "json" else report_lines(found))
    return 0


COMMANDS: tuple[click.Command, ...] = (serve, subscribe, alerts)


def _address(option: str, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{option} {text!r} is no address; write one such as 127.0.0.1:9464")
    return host.strip("[]"), int(port)
