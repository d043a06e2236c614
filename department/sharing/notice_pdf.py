"""A notice of a breach as PDF: US Letter, all type of 11 points or more, fonts embedded, tagged."""

from unicodedata import category, normalize

from django.conf import settings
from django.template.loader import render_to_string

from platepost.department.sharing.errors import SharingError
from platepost.department.sharing.notice import BreachNotice
from platepost.department.web.pdf import font_characters, pdf_of


def notice_pdf(notice: BreachNotice) -> bytes:
    """Return a notice as PDF, with its title, the department as author, and its language.

    Raises:
        SharingError: the font lacks a character.
        PdfError: the server cannot make PDF.

    """
    shown = {
        "title": notice.title,
        "about": [_drawn(text) for text in notice.about],
        "parts": [(heading, [_drawn(text) for text in paragraphs]) for heading, paragraphs in notice.parts],
        "author": settings.DEPARTMENT_NAME or settings.AGENCY,
        "subject": "California Civil Code 1798.29",
    }
    return pdf_of(render_to_string("sharing/notice_document.html", shown))


def _drawn(text: str) -> str:
    """Return text in characters of the font: composed, and without those that only direct how others are set."""
    composed = "".join(char for char in normalize("NFC", " ".join(text.split())) if category(char) != "Cf")
    lacking = sorted({char for char in composed if ord(char) not in font_characters()})
    if lacking:
        named = ", ".join(f"{char} (U+{ord(char):04X})" for char in lacking)
        raise SharingError(f"the PDF's font has no {named}: print the page of the notice instead", "sharing_font")
    return composed
