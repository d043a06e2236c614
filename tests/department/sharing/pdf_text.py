"""What a PDF says, in what type, and whether a screen reader finds its structure."""

import re
from io import BytesIO
from typing import Any

from pypdf import PdfReader
from pypdf.generic import DictionaryObject


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
