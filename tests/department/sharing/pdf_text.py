"""What a PDF says, in what type, and whether a screen reader finds its structure."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.generic import ContentStream, DictionaryObject


class PdfText:
    """A PDF's text, with the size of each piece, what the file states about itself, and the kinds of its tags."""

    def __init__(self, pdf: bytes) -> None:
        reader = PdfReader(BytesIO(pdf))
        self.pages = len(reader.pages)
        self.page_size = tuple(float(each) for each in reader.pages[0].mediabox[2:])
        self.sizes: set[float] = set()

        def piece(text: str, _user: object, matrix: Any, _font: object, size: float) -> None:
            if text.strip():
                self.sizes.add(round(abs(size * matrix[3]), 2))

        pieces = [page.extract_text(visitor_text=piece) for page in reader.pages]
        pieces = [re.sub(r"\s*\d+ / \d+\s*$", "", each) for each in pieces]  # the number of the page
        self.text = " ".join(" ".join(pieces).split())
        root: Any = reader.trailer["/Root"]
        about = reader.metadata or {}
        self.about = {name.removeprefix("/"): str(value) for name, value in about.items()}
        self.language = str(root.get("/Lang", ""))
        self.is_tagged = bool(root.get("/MarkInfo", {}).get("/Marked", False))
        self.shows_title = bool(root.get("/ViewerPreferences", {}).get("/DisplayDocTitle", False))
        self.declares_ua = b"pdfuaid" in (root["/Metadata"].get_object().get_data() if "/Metadata" in root else b"")
        self.tags = [*_tags(root["/StructTreeRoot"])] if "/StructTreeRoot" in root else []
        self.faults = [*self._faults(reader, root)]
        """What is wrong by those rules of PDF/UA-1 (ISO 14289-1) that a program can judge, by their clauses."""

    def _faults(self, reader: PdfReader, root: Any) -> Iterator[str]:
        told = {
            "5: it does not declare PDF/UA": self.declares_ua,
            "7.1: it is not tagged": self.is_tagged and self.tags,
            "7.1: no title, or it is not shown": self.about.get("Title") and self.shows_title,
            "7.2: no language": self.language,
        }
        yield from (fault for fault, holds in told.items() if not holds)
        levels = [int(tag[1]) for tag in self.tags if re.fullmatch("H[1-6]", tag)]
        if levels[:1] != [1] or any(after > before + 1 for before, after in pairwise(levels)):
            yield f"7.4.2: headings {levels}"
        for element in _elements(root.get("/StructTreeRoot", {})):
            kind, within = element["/S"], [each["/S"] for each in _children(element)]
            if kind == "/Figure" and not element.get("/Alt"):
                yield "7.3: a figure without a text"
            if kind == "/TR" and {*within} - {"/TH", "/TD"}:
                yield f"7.2: a row of a table with {within}"
            if kind == "/TD" and not element.get("/A", {}).get("/Headers"):
                yield "7.5: a cell of a table that names no header"
            if kind == "/Table" and "TH" not in _tags(element):
                yield "7.5: a table without headers"
        for number, page in enumerate(reader.pages, 1):
            yield from (f"{fault}, page {number}" for fault in _faults_of_page(page, reader))


def _faults_of_page(page: PageObject, reader: PdfReader) -> Iterator[str]:
    if "/StructParents" not in page:
        yield "7.1: not in the tree of tags"
    links = [each.get_object() for each in page.get("/Annots", ())]
    if links and page.get("/Tabs") != "/S":
        yield "7.18.3: the tab key does not follow the tags"
    if not all(link.get("/Contents") and "/StructParent" in link for link in links):
        yield "7.18.5: a link without a text or a tag"
    resources: Any = page["/Resources"]
    for font in resources.get("/Font", {}).values():
        whole = font.get_object()
        (descending,) = whole.get("/DescendantFonts", [whole])
        if not {"/FontFile", "/FontFile2", "/FontFile3"} & descending.get_object()["/FontDescriptor"].keys():
            yield "7.21.4.1: a font is not embedded"
        if "/ToUnicode" not in whole:
            yield "7.21.7: a font without Unicode"
    marked = 0
    for _, operator in ContentStream(page.get_contents(), reader).operations:
        marked += (operator in {b"BMC", b"BDC"}) - (operator == b"EMC")
        if operator in {b"Tj", b"TJ", b"'", b'"', b"Do"} and not marked:
            yield "7.1: content that is neither tagged nor an artifact"
            return


def _children(node: Any) -> list[Any]:
    within = node.get("/K", [])
    each = [one.get_object() for one in (within if isinstance(within, list) else [within])]
    return [one for one in each if isinstance(one, DictionaryObject) and "/S" in one]


def _elements(node: Any) -> Iterator[Any]:
    for each in _children(node):
        yield each
        yield from _elements(each)


def _tags(node: Any) -> Any:
    node = node.get_object()
    if isinstance(node, list):
        for each in node:
            yield from _tags(each)
    elif isinstance(node, DictionaryObject):
        if "/S" in node:
            yield str(node["/S"]).removeprefix("/")
        if "/K" in node:
            yield from _tags(node["/K"])
