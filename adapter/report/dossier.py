"""One screening in full, as plain text: every criterion with its reason, its sentence and the records behind it."""

from collections.abc import Iterator

from adapter.eligibility.finding import Evidence, Finding
from adapter.eligibility.screening import Asked, Screening, Verdict
from adapter.eligibility.trial import Trial
from adapter.fhir.dates import day_text
from adapter.report.doses import doses
from adapter.report.text import Page, columns, number, wrapped


def dossier(screening: Screening, trial: Trial, asked: Asked, page: Page) -> Iterator[str]:
    """The lines of the dossier."""
    yield from _head(screening, trial, asked, page)
    for kind in ("inclusion", "exclusion"):
        yield from _title(f"{kind.capitalize()} criteria")
        for verdict in screening.criteria:
            if verdict.criterion.kind == kind:
                yield ""
                yield from _verdict(verdict, trial, page)
    yield from doses(screening, trial, asked, page)
    yield from _open(screening, page)
    yield from _issues(screening, page)
    yield from _title("Made with")
    yield from columns(tuple(screening.versions.items()), 2)


def _title(text: str) -> Iterator[str]:
    yield ""
    yield text
    yield "-" * len(text)


def _head(screening: Screening, trial: Trial, asked: Asked, page: Page) -> Iterator[str]:
    yield from wrapped(f"{screening.patient}: {screening.status}", page.width)
    yield from wrapped(f"{trial.id}: {trial.title}", page.width)
    yield ""
    rows = [("as of", day_text(screening.as_of), "")]
    for name, anchor in screening.anchors.items():
        origin = "given" if name in asked.anchors else "from the record"
        rows.append((name, day_text(anchor.day), "assumed: the as-of date" if anchor.assumed else origin))
    if screening.eligible_from is not None:
        rows.append(("eligible from", day_text(screening.eligible_from), "if nothing else happens"))
    yield from columns(rows, 2)
    told = {"decided against": [v for v in screening.criteria if v.against], "open": screening.open}
    for name, verdicts in told.items():
        if verdicts:
            titles = "; ".join(verdict.criterion.title for verdict in verdicts)
            yield from wrapped(f"{name}: {titles}", page.width, 2, 2)


def _verdict(verdict: Verdict, trial: Trial, page: Page) -> Iterator[str]:
    criterion, finding = verdict.criterion, verdict.finding
    mark = page.mark("favour" if verdict.in_favour else "against" if verdict.against else "open")
    yield from wrapped(f"{mark} {criterion.title} ({criterion.id}): {_truth(finding)}", page.width, 0, 4)
    yield from wrapped(f'"{criterion.sentence}"', page.width, 4)
    yield from _finding(finding, page, 4)
    if verdict.readings:
        told = ", ".join(f"{name} = {trial.readings[name]}" for name in verdict.readings)
        yield from wrapped(f"readings: {told}", page.width, 4, 2)
    if verdict.changes_on is not None:
        yield from wrapped(f"changes on {day_text(verdict.changes_on)} if nothing else happens", page.width, 4)


def _truth(finding: Finding) -> str:
    return f"{finding.truth}, {finding.reason}"


def _finding(finding: Finding, page: Page, indent: int) -> Iterator[str]:
    """The sentence, its records (those of the children stand with them), and the children."""
    yield from wrapped(_own_words(finding), page.width, indent)
    below = {evidence for child in finding.children for evidence in child.evidence}
    for evidence in finding.evidence:
        if evidence not in below:
            yield from _evidence(evidence, page, indent)
    for child in finding.children:
        label = f"{child.label}: " if child.label else ""
        yield from wrapped(f"{page.mark('dash')} {label}{_truth(child)}", page.width, indent, 2)
        yield from _finding(child, page, indent + 2)


def _own_words(finding: Finding) -> str:
    """The explanation, empty where it only repeats what the children say."""
    own = finding.explanation
    for child in finding.children:
        own = own.replace(child.explanation, "")
    return finding.explanation if own.strip() else ""


def _evidence(evidence: Evidence, page: Page, indent: int) -> Iterator[str]:
    version = f" version {evidence.version}" if evidence.version else ""
    place = f"{evidence.reference}{version} {evidence.path}"
    formula = f" [{evidence.formula}]" if evidence.formula else ""
    arrow = "→" if page.unicode else "->"
    text = f"{page.mark('item')} {place}: {evidence.value} {arrow} {evidence.used}{formula}"
    yield from wrapped(text, page.width, indent, 2)


def _open(screening: Screening, page: Page) -> Iterator[str]:
    if not screening.open:
        return
    yield from _title("What is open, and what would decide it")
    for verdict in screening.open:
        needs = verdict.finding.needs or f"an answer to {verdict.finding.reason}"
        yield from wrapped(f"{page.mark('open')} {verdict.criterion.title}: {needs}", page.width, 0, 4)


def _issues(screening: Screening, page: Page) -> Iterator[str]:
    if not screening.issues:
        return
    yield from _title(number(len(screening.issues), "issue"))
    for issue in screening.issues:
        where = " ".join(part for part in (issue.reference, issue.path) if part)
        yield from wrapped(f"{issue.severity}: {where}: {issue.problem}", page.width, 0, 2)
