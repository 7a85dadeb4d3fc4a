"""One run after another against sekmet-fhir: the story that every server must bear out."""

from tests.sync.site import Site
from tests.sync.story import STORY


def test_the_story(site: Site) -> None:
    for step in STORY:
        step(site)
