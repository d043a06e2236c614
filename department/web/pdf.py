"""Documents as PDF that a screen reader can read: tagged, with title and language, fonts embedded (PDF/UA-1).

They are laid out by WeasyPrint from the same HTML that a browser shows. It needs Pango, which Debian has.
"""

from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import Any

from django.http import HttpResponse

from platepost.department.errors import OperationRefusedError

_WEB = Path(str(resources("platepost.department.web")))
_FONT = (_WEB / "fonts" / "DejaVuSans.ttf").as_uri()
_STYLE = _WEB / "document.css"


class PdfError(OperationRefusedError):
    """No PDF can be made; the message states what to install."""


def pdf_of(html: str) -> bytes:
    """Return a whole HTML document as PDF. What it refers to is not fetched; only the font of our own is.

    Raises:
        PdfError: Pango is not installed.

    """
    try:
        from weasyprint import CSS, HTML  # noqa: PLC0415 - slow to load, and its libraries may be missing
        from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415 - likewise
    except OSError as error:
        raise PdfError(
            "A PDF needs Pango, which is not installed on the server. The page itself can be printed. On the server:"
            " `apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0`."
        ) from error
    fonts = FontConfiguration()
    fetcher = _fetcher()
    face = f"@font-face {{ font-family: document; src: url({_FONT}); }}\n"
    style = CSS(string=face + _STYLE.read_text("utf-8"), font_config=fonts, url_fetcher=fetcher)
    document = HTML(string=html, url_fetcher=fetcher)
    pdf: bytes = document.write_pdf(stylesheets=[style], font_config=fonts, pdf_variant="pdf/ua-1")
    return pdf


def pdf_answer(html: str, name: str) -> HttpResponse:
    """Answer a request with a document as PDF, under a name. Raises PdfError."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(pdf_of(html), "application/pdf", headers=headers)


@cache
def font_characters() -> frozenset[int]:
    """Return the characters that the font has, by their numbers; others may not be drawn."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - slow to load

    return frozenset(TTFont(_WEB / "fonts" / "DejaVuSans.ttf").getBestCmap())


@cache
def _fetcher() -> Any:
    from weasyprint.urls import URLFetcher  # noqa: PLC0415 - as above

    class OurFont(URLFetcher):  # type: ignore[misc]
        """Fetches our font, and nothing that a text may name."""

        def fetch(self, url: str, headers: object = None) -> object:
            if url != _FONT:
                raise ValueError(f"{url} is not of this document")  # WeasyPrint leaves it out
            return super().fetch(url, headers)

    return OurFont()
