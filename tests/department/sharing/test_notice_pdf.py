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
    read = PdfText(pdf_of("Somebody saw it. " * 300))
    assert (read.pages, read.page_size) == (2, (612, 792)), "US Letter"
    assert read.text.count("saw it.") == 300


def test_a_screen_reader_finds_its_headings_language_and_title() -> None:
    read = PdfText(pdf_of("An account was abused."))
    assert read.faults == []
    assert (read.language, read.about["Title"], read.shows_title) == ("en-US", "Notice of Data Breach", True)
    assert [tag for tag in read.tags if tag in {"H1", "H2", "P"}] == ["H1", "H2", "P"]


def test_nothing_that_a_text_names_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    from platepost.department.web import pdf  # noqa: PLC0415 - slow to load

    fetched: list[str] = []
    monkeypatch.setattr("urllib.request.OpenerDirector.open", lambda *asked, **_: fetched.append(asked[1].full_url))
    pdf.pdf_of('<!doctype html><title>x</title><p>a<img alt="x" src="file:///etc/hostname"></p>')
    assert [each for each in fetched if "DejaVuSans" not in each] == []


@pytest.mark.parametrize(
    ("good", "bad", "fault"),
    [
        (' lang="en-US"', "", "7.2: no language"),
        ("<title>T</title>", "", "7.1: no title, or it is not shown"),
        ("<h2>B</h2>", "<h3>B</h3>", "7.4.2: headings [1, 3]"),
        ("<th>One</th>", "<td>One</td>", "7.5: a table without headers"),
    ],
)
def test_what_keeps_a_screen_reader_from_a_document_is_found(good: str, bad: str, fault: str) -> None:
    from platepost.department.web import pdf  # noqa: PLC0415 - slow to load

    html = (
        '<!doctype html><html lang="en-US"><head><title>T</title></head><body><h1>A</h1><h2>B</h2>'
        "<table><tr><th>One</th></tr><tr><td>1</td></tr></table></body></html>"
    )
    assert PdfText(pdf.pdf_of(html)).faults == []
    assert fault in PdfText(pdf.pdf_of(html.replace(good, bad))).faults
