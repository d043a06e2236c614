"""What the site needs beyond Sphinx: links to folders, names for screen readers, checks of reference and prose."""

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import click
import prose
import sphinx_click.ext
from docutils import nodes
from generated import expand
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

import platepost
from platepost.common.settings import tables
from platepost.device.cli import platepost as command
from platepost.device.config.configuration import Configuration
from platepost.wire.faults import Fault


def commands(group: click.Command, context: click.Context) -> Iterator[str]:
    """Yield every command below a group as people type it."""
    if isinstance(group, click.Group):
        for name in group.list_commands(context):
            found = group.get_command(context, name)
            if found is not None and not found.hidden:
                below = click.Context(found, info_name=name, parent=context)
                yield below.command_path
                yield from commands(found, below)


def everything(source: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each page of the reference with what must stand on it."""
    yield "commands", list(commands(command, click.Context(command, info_name="platepost")))
    yield "configuration", [key for _, table in tables(Configuration) for key in table.model_fields]
    yield "health", [fault.value for fault in Fault]
    document = json.loads((source / "docs/contract/asyncapi.json").read_text(encoding="utf-8"))
    yield "contract/topics", [channel["address"] for channel in document["channels"].values()]
    yield "api", [f"platepost.{name}" for name in platepost.__all__ if not name.startswith("_")]


def check(app: Sphinx, error: Exception | None) -> None:
    """Refuse a reference that lacks anything.

    Raises:
        ExtensionError: it does.

    """
    if error is not None or app.builder.name != "html":
        return
    for page, names in everything(Path(app.srcdir)):
        html = (Path(app.outdir) / f"docs/{page}.html").read_text(encoding="utf-8")
        text = " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())
        missing = [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]
        if missing:
            raise ExtensionError(f"docs/{page} lacks: {', '.join(missing)}")


NAMED = {
    '<p class="caption" role="heading"': '<p class="caption" role="heading" aria-level="2"',
    '<aside class="sidebar-drawer"': '<aside class="sidebar-drawer" aria-label="Pages"',
    '<aside class="toc-drawer"': '<aside class="toc-drawer" aria-label="On this page"',
    '<th class="head"><p></p></th>': "<td></td>",
    '<th class="head text-right"><p></p></th>': "<td></td>",
    '<div id="search-results">': '<h1>Search</h1><div id="search-results">',
    # What is wider than a phone is scrolled by keyboard, too.
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
}
"""What furo and Sphinx write, and what screen readers and the keyboard need in its place."""


LAB_NOTES = (
    "CHANGELOG",
    "docs/database-guards",
    "docs/measurements",
    "docs/outbox",
    "docs/reliability",
    "docs/self-monitoring",
    "models/",
    "simulator/",
)
"""Their words are not checked: what was measured and changed, for engineers."""


def check_prose(app: Sphinx, error: Exception | None) -> None:
    """Refuse a page with worn words.

    Raises:
        ExtensionError: one has some.

    """
    if error is not None or app.builder.name != "html":
        return
    found = [
        f"{page}: {words.strip()!r}: write: {prose.INSTEAD[name]}"
        for page in sorted(app.env.found_docs)
        if not page.startswith(LAB_NOTES)
        for name, words in prose.offenses(prose.readable(Path(app.srcdir, f"{page}.md").read_text(encoding="utf-8")))
    ]
    if found:
        raise ExtensionError("\n".join(found))


def name_parts(app: Sphinx, error: Exception | None) -> None:
    """Make each page one for everyone."""
    if error is not None or app.builder.name != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        for written, needed in NAMED.items():
            html = html.replace(written, needed)
        page.write_text(html, encoding="utf-8")


def unlink_folders(app: Sphinx, page: nodes.document) -> None:
    """Show links to folders of the repository as their text: the site has no page for them."""
    here = Path(app.srcdir, app.env.docname).parent
    for link in list(page.findall(pending_xref)):
        if (here / link["reftarget"]).is_dir():
            link.replace_self(link.children)


def all_commands(context: click.Context, _names: object = None) -> list[click.Command]:
    """Return the commands of a group, those that are loaded when they are asked for among them."""
    group = context.command
    names = group.list_commands(context) if isinstance(group, click.Group) else []
    found = [group.get_command(context, name) for name in names]  # type: ignore[attr-defined]
    return [command for command in found if command is not None]


def as_typed(_app: Sphinx, _context: click.Context, lines: list[str]) -> None:
    """Show help as a terminal does: examples to the letter, and no character as markup."""
    shown: list[str] = []
    block: list[str] = []
    for line in [*lines, ""]:
        if line.startswith("| "):
            block.append(line[2:])
            continue
        if block:
            head = block.pop(0).removesuffix(":") if block[0].endswith(":") and len(block) > 1 else ""
            shown += [f"{head}::", "", *(f"   {one}" for one in block), ""]
            block = []
        shown.append(line.replace("*", "\\*").replace("\\*\\*Required\\*\\*", "**Required**"))
    lines[:] = shown


def write_tables(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Write the tables that are made from the code into a page."""
    source[0] = expand(source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Take part in a build."""
    sphinx_click.ext._filter_commands = all_commands  # noqa: SLF001 - it takes either kind, and some groups have both
    for part in ("description", "options", "arguments", "epilog"):
        app.connect(f"sphinx-click-process-{part}", as_typed)
    app.connect("source-read", write_tables)
    app.connect("doctree-read", unlink_folders)
    app.connect("build-finished", check)
    app.connect("build-finished", check_prose)
    app.connect("build-finished", name_parts)
    return {"parallel_read_safe": True}
