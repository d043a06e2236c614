"""What the documents name is there: files, headings, the rooms of `device`."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1]
TOP = (
    "department",
    "device",
    "models",
    "provisioning",
    "simulator",
    "packaging",
    "examples",
    "docs",
    "tests",
    "benchmarks",
    "scripts",
)
PAGES = sorted(
    page
    for page in (*HOME.glob("*.md"), *(page for folder in TOP for page in (HOME / folder).rglob("*.md")))
    if "node_modules" not in page.parts
)
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(TOP)})/[\w./*-]*")
LINK = re.compile(r"\]\(([^)\s]+)\)|\bsrc=\"([^\"]+)\"")


def _named(page: Path) -> Iterator[str]:
    for line in page.read_text(encoding="utf-8").splitlines():
        for found in PATH.findall(line):
            yield found.rstrip(".-")


def _links(page: Path) -> Iterator[str]:
    for link, source in LINK.findall(page.read_text(encoding="utf-8")):
        target = link or source
        if "://" not in target:
            yield target


def _anchors(page: Path) -> set[str]:
    """Return the headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOME)))
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    """A pattern must fit something."""
    missing = [name for name in _named(page) if not any(any(place.glob(name)) for place in (HOME, page.parent))]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOME)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in _links(page):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_contributing_names_every_room_of_device_and_no_other() -> None:
    table = (HOME / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("### The rooms of `device`")[2]
    rows = [line.split("|")[1] for line in table.partition("\n\nThere are no circles")[0].splitlines() if "|" in line]
    named = {name.rstrip("/") for row in rows for name in re.findall(r"`([^`]+)`", row)}
    there = {place.name for place in (HOME / "device").iterdir() if (place / "__init__.py").exists()}
    there |= {place.name for place in (HOME / "device").glob("*.py")} - {"__init__.py"}
    assert named == there
