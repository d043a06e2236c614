"""The PDF of a notice: what it refuses, and what of any name it draws."""

import pytest

from platepost.department.sharing.errors import SharingError
from platepost.department.sharing.notice import BreachNotice
from tests.department.sharing.pdf_text import PdfText


def pdf_of(text: str) -> bytes:
    from platepost.department.sharing.notice_pdf import notice_pdf  # noqa: PLC0415 - slow to load

    return notice_pdf(BreachNotice("Notice of Data Breach", (), (("What Happened", (text,)),)))


def test_names_of_california_are_drawn() -> None:
    names = "Nguy\u1ec5n e\u0301tude \u0141ukasz \u0536\u0561 \u0416 \u201cx\u201d a\u200b\u00adb"
    assert PdfText(pdf_of(f"{names} saw it.")).text.endswith("ab saw it.")
    assert PdfText(pdf_of("<b>A & B</b>\n (C)")).text.endswith("<b>A & B</b> (C)"), "no markup"


@pytest.mark.parametrize(("char", "named"), [("\u5f20", "U+5F20"), ("\U0001f697", "U+1F697"), ("\u05e9", "U+05E9")])
def test_what_the_font_lacks_is_named(char: str, named: str) -> None:
    with pytest.raises(SharingError, match=named.replace("+", r"\+")):
        pdf_of(f"Mr. {char}")


def test_long_notice_goes_on_on_a_second_page() -> None:
    pdf = pdf_of("Somebody saw it. " * 300)
    assert pdf.count(b"/MediaBox [ 0 0 612 792 ]") == 2, "US Letter"
    assert PdfText(pdf).text.count("saw it.") == 300
