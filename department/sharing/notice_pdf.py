"""A notice of a breach as PDF: US Letter, all type of 11 points or more, fonts embedded."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from unicodedata import category, normalize
from xml.sax.saxutils import escape

from django.conf import settings
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import CondPageBreak, Flowable, Paragraph, SimpleDocTemplate

from platepost.department.sharing.errors import SharingError
from platepost.department.sharing.notice import BreachNotice

_TEXT = TTFont("DejaVuSans", str(Path(__file__).with_name("fonts") / "DejaVuSans.ttf"))
"""Its Latin, Vietnamese, Greek, Cyrillic, Armenian and Georgian glyphs: what needs no shaping."""
_BOLD = TTFont("VeraBd", "VeraBd.ttf")
"""ReportLab's, for the title and the headings, which are plain English."""
_TITLE = ParagraphStyle("title", fontName=_BOLD.fontName, fontSize=22, leading=28, spaceAfter=10)
_HEADING = ParagraphStyle("heading", fontName=_BOLD.fontName, fontSize=14, leading=18, spaceBefore=12)
_BODY = ParagraphStyle("body", fontName=_TEXT.fontName, fontSize=11, leading=15, spaceAfter=6)
for _font in (_TEXT, _BOLD):
    registerFont(_font)


def notice_pdf(notice: BreachNotice) -> bytes:
    """Return a notice as PDF, with its title, the department as author, and its language.

    Raises:
        SharingError: the font lacks a character.

    """
    bytes_io = BytesIO()
    author = settings.DEPARTMENT_NAME or settings.AGENCY
    metadata = {"title": notice.title, "subject": "California Civil Code 1798.29", "author": author}
    shown = {"creator": "Platepost", "lang": "en-US", "displayDocTitle": True}
    SimpleDocTemplate(bytes_io, pagesize=LETTER, **metadata, **shown).build(list(_laid_out(notice)))
    return bytes_io.getvalue()


def _laid_out(notice: BreachNotice) -> Iterator[Flowable]:
    yield Paragraph(notice.title, _TITLE)
    for heading, paragraphs in (("", notice.about), *notice.parts):
        if heading:
            yield CondPageBreak(4 * _HEADING.leading)  # no heading stands at the foot of a page
            yield Paragraph(heading, _HEADING)
        for text in paragraphs:
            yield Paragraph(escape(_drawn(text)), _BODY)


def _drawn(text: str) -> str:
    """Return text in characters of the font: composed, and without those that only direct how others are set."""
    composed = "".join(char for char in normalize("NFC", " ".join(text.split())) if category(char) != "Cf")
    lacking = sorted({char for char in composed if ord(char) not in _TEXT.face.charToGlyph})
    if lacking:
        named = ", ".join(f"{char} (U+{ord(char):04X})" for char in lacking)
        raise SharingError(f"the PDF's font has no {named}: print the page of the notice instead", "sharing_font")
    return composed
