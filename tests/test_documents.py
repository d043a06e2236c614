"""What the documents name is there: files, headings, the rooms of `device`."""

import ast
import re
import runpy
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import sqlcipher3

HOME = Path(__file__).parents[1]
TOP = (
    "common",
    "department",
    "device",
    "models",
    "platepost",
    "provisioning",
    "simulator",
    "packaging",
    "examples",
    "docs",
    "tests",
    "benchmarks",
    "scripts",
    "technician",
    "wire",
)
PAGES = sorted(
    page
    for page in (*HOME.glob("*.md"), *(page for folder in TOP for page in (HOME / folder).rglob("*.md")))
    if "node_modules" not in page.parts
)
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(TOP)})/[\w./*-]*")
LINK = re.compile(r"\]\(([^)\s]+)\)|\bsrc=\"([^\"]+)\"")

COMPLIANCE = HOME / "docs/compliance.md"
STATES = ("met", "integrator", "not met", "n/a")


def _numbered(**last: int) -> list[str]:
    return [f"{name.replace('_', ' ')} {number}" for name, most in last.items() for number in range(1, most + 1)]


ETSI = """
5.0-1 5.1-1 5.1-2 5.1-2A 5.1-3 5.1-4 5.1-5 5.2-1 5.2-2 5.2-3 5.3-1 5.3-2 5.3-3 5.3-4A 5.3-4B 5.3-5 5.3-6A 5.3-6B
5.3-7 5.3-8 5.3-9 5.3-10 5.3-11 5.3-12 5.3-13 5.3-14 5.3-15A 5.3-15B 5.3-16 5.4-1 5.4-2 5.4-3 5.4-4 5.5-1 5.5-2
5.5-3 5.5-4 5.5-5 5.5-6 5.5-7 5.5-8 5.6-1 5.6-2 5.6-3 5.6-4A 5.6-4B 5.6-5 5.6-6 5.6-7 5.6-8 5.6-9 5.7-1 5.7-2 5.8-1
5.8-2 5.8-3 5.9-1 5.9-2 5.9-3 5.10-1 5.11-1 5.11-2 5.11-3 5.11-4 5.12-1 5.12-2 5.12-3 5.13-1A 5.13-1B 6-1 6-2 6-3A
6-3B 6-4 6-5 6-6 6-7 6-8
"""
"""The provisions of EN 303 645 V3.1.3, table B.1: 78."""
NISTIR = _numbered(identification=2, configuration=3, data_protection=3, interfaces=3, software_update=6, state=5)
"""The common elements of NISTIR 8259A, table 1."""
CRA = ["I.1", *(f"I.2.{letter}" for letter in "abcdefghijklm"), *(f"II.{number}" for number in range(1, 9))]
"""The points of Annex I of Regulation (EU) 2024/2847."""
CJIS = [
    "AC-2",
    "AC-5",
    "AC-7",
    "AC-8",
    "AC-11",
    "AU-2",
    "AU-5",
    "AU-6",
    "AU-9",
    "AU-11",
    "IA-2",
    "IA-5",
    "IA-11",
    "SC-8",
    "SC-13",
    "SC-28",
]
"""The controls of CJIS that the department's pages answer to."""
REQUIRED = {
    "ETSI EN 303 645": ETSI.split(),
    "NISTIR 8259A": NISTIR,
    "EU Cyber Resilience Act": CRA,
    "CJIS Security Policy, the department": CJIS,
}
"""Not here: the policy of CJIS for a device, of which the page has what concerns one."""
SECTIONS = (*REQUIRED, "CJIS Security Policy")


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


def test_every_page_of_docs_is_in_the_index_and_in_one_group_of_the_side_bar() -> None:
    index = (HOME / "docs/index.md").read_text(encoding="utf-8")
    trees = re.findall(r"```\{toctree\}\n(.*?)```", index, re.DOTALL)
    listed = [f"{line}.md" for tree in trees for line in tree.splitlines() if not line.startswith(":")]
    pages = {str(page.relative_to(HOME / "docs")) for page in (HOME / "docs").rglob("*.md")} - {"index.md"}
    assert sorted(page for page in listed if not page.startswith("../")) == sorted(pages)
    assert all((HOME / "docs" / page).is_file() for page in listed)


def test_the_diagrams_are_as_the_script_draws_them() -> None:
    drawn = dict(runpy.run_path(str(HOME / "scripts/diagrams.py"))["pictures"]())
    assert len(drawn) > 10
    old = [name for name, text in drawn.items() if (HOME / f"docs/images/{name}.svg").read_text("utf-8") != text]
    assert old == [], "run scripts/diagrams.py"


def test_the_page_of_commands_is_made_from_all_of_them() -> None:
    """`make docs` refuses a reference that lacks a command, key, fault or topic; it needs what tests do not install."""
    page = (HOME / "docs/commands.md").read_text(encoding="utf-8")
    assert ".. click:: platepost.device.cli:platepost\n   :prog: platepost\n   :nested: full\n" in page


def test_every_table_that_is_made_from_the_code_is_on_a_page_and_none_is_empty() -> None:
    generated = runpy.run_path(str(HOME / "docs/generated.py"))
    marks = [name for page in PAGES for name in generated["MARK"].findall(page.read_text(encoding="utf-8"))]
    assert sorted(marks) == sorted(generated["TABLES"])
    assert all(len(table().splitlines()) > 5 or name == "actions" for name, table in generated["TABLES"].items())


def test_every_figure_of_the_list_is_stated_where_it_says_and_no_figure_of_the_readme_is_missing() -> None:
    page = (HOME / "docs/numbers.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"][2:]
    assert len(rows) > 10
    listed = set()
    for figures, stated, command, *_ in rows:
        (target,) = LINK.findall(stated)
        text = (HOME / "docs" / target[0]).read_text(encoding="utf-8")
        for figure in re.split(r", (?=\d|one)", figures):
            assert figure in text or figure in _in_full(text), (figure, target[0])
            listed.add(figure)
        for script in re.findall(r"benchmarks/\w+\.py", command):
            assert (HOME / script).is_file()
    readme = _in_full((HOME / "README.md").read_text(encoding="utf-8").partition("## Accuracy")[2])
    assert set(re.findall(r"\d+\.\d%|\d+(?:\.\d)? ms", readme.partition("## Privacy")[0])) - listed == set()


def _in_full(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_contributing_lists_every_package_of_device_and_no_other() -> None:
    table = (HOME / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("### Inside `device`")[2]
    rows = [
        line.split("|")[1] for line in table.partition("\n\nThere are no import cycles")[0].splitlines() if "|" in line
    ]
    named = {name.rstrip("/") for row in rows for name in re.findall(r"`([^`]+)`", row)}
    there = {place.name for place in (HOME / "device").iterdir() if (place / "__init__.py").exists()}
    there |= {place.name for place in (HOME / "device").glob("*.py")} - {"__init__.py"}
    assert named == there


def _requirements(section: str) -> tuple[str, list[list[str]]]:
    """Return the text of a section of the page on compliance, and the cells of its rows: id, ..., state, evidence."""
    text = COMPLIANCE.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return text, rows[2:]


@cache
def _tests(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("section", SECTIONS)
def test_each_requirement_stands_once_on_the_page_on_compliance_and_is_counted(section: str) -> None:
    text, rows = _requirements(section)
    names = [row[0] for row in rows]
    assert names == REQUIRED.get(section, list(dict.fromkeys(names)))
    states = Counter(row[-2] for row in rows)
    assert set(states) <= set(STATES)
    counted = ", ".join(f"{states[state]} {state}" for state in STATES)
    assert re.search(rf"^\*\*{len(rows)} \w+: {re.escape(counted)}\.\*\*$", text, re.MULTILINE), counted
    assert all(row[-1] for row in rows)


@pytest.mark.parametrize("section", SECTIONS)
def test_what_is_met_cites_a_test_or_a_file(section: str) -> None:
    bare = [row[0] for row in _requirements(section)[1] if row[-2] == "met" and "`" not in row[-1]]
    assert not bare


def test_every_test_and_file_that_the_page_on_compliance_cites_is_there() -> None:
    cited = re.findall(r"`([\w./-]+(?:/[\w.-]+|\.md))(?:::(\w+))?`", COMPLIANCE.read_text(encoding="utf-8"))
    assert sum(bool(test) for _, test in cited) > 50  # the pattern finds them
    for name, test in cited:
        file = HOME / name
        assert file.is_file(), name
        assert not test or (test.startswith("test_") and test in _tests(file)), f"{name}::{test}"


def test_the_outbox_has_no_validated_cryptography_as_the_page_says() -> None:
    """Where a validated build takes the wheel's place, the page on compliance is to be written again."""
    connection = sqlcipher3.connect(":memory:")
    try:
        connection.execute("PRAGMA key = 'any'")
        assert connection.execute("PRAGMA cipher_provider").fetchone() == ("openssl",)
        assert connection.execute("PRAGMA cipher_fips_status").fetchone() == ("0",)
    finally:
        connection.close()
