"""Cards as a physician sees them: `python -m tests.alerts.demo` starts the service, calls it as an EHR does over HTTP,
and draws what it answers.
"""

import tempfile
from pathlib import Path

from rich.box import ROUNDED
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.panel import Panel
from rich.text import Text

from tests.alerts.ehr import Json, candidate, prefetch_of, resources, running

RITUXIMAB = {
    "resourceType": "MedicationRequest", "id": "draft", "status": "draft", "intent": "order", "subject": {"reference": "Patient/eligible"},
    "medicationCodeableConcept": {"text": "rituximab", "coding": [{"system": "http://www.whocc.no/atc", "code": "L01FA01"}]},
}  # fmt: skip
SEEN = "<https://trials.example/dossiers/...>"


def answered() -> list[tuple[str, Json]]:
    """What happens in the EHR, and the card that it gets."""
    orders = {"draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": RITUXIMAB}]}}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as ehr:
        (opened,) = ehr.cards("patient-view", "eligible", prefetch_of(candidate()))
        (signed,) = ehr.cards("order-sign", "eligible", prefetch_of(resources("eligible")), context=orders)
    return [("A physician opens a chart:", opened), ("She is about to sign an order for rituximab:", signed)]


def drawn(card: Json) -> RenderableType:
    """A card with its buttons."""
    parts: list[RenderableType] = [Text(card["summary"], "bold"), Text(), Markdown(card["detail"])]
    if card.get("suggestions"):
        buttons = [Text(f" {one['label']} ", "reverse") for one in card["suggestions"]]
        parts += [Text(), Columns(buttons, padding=(0, 2))]
    if card.get("overrideReasons"):
        reasons = " | ".join(one["display"] for one in card["overrideReasons"])
        parts += [Text(), Text(f"Dismiss: {reasons}", "dim")]
    parts += [Text(f"{link['label']} {SEEN}", "dim") for link in card.get("links", ())]
    return Panel(Group(*parts), subtitle=card["source"]["label"], box=ROUNDED)


def show(console: Console) -> None:
    """Everything, one below the other."""
    for happens, card in answered():
        console.print(Text(f"\n{happens}", "bold"))
        console.print(drawn(card))


if __name__ == "__main__":
    show(Console())
