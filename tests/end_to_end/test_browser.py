"""The browser that other tests drive: it runs scripts, and says when one fails."""

import pytest

from tests.browser import PHONE, Visitor, accessibility_faults, page_faults

pytestmark = pytest.mark.end_to_end


def test_a_page_runs_its_script_at_a_phones_width(visitor: Visitor) -> None:
    page = visitor.open("data:text/html,<title>x</title><script>document.title = innerWidth</script>", phone=True)
    assert page.title() == str(PHONE["width"])


def test_a_script_that_fails_is_noticed(visitor: Visitor) -> None:
    visitor.open("data:text/html,<script>throw new Error('broken')</script>")
    visitor.forgive("broken")


def test_what_is_not_accessible_is_named(visitor: Visitor) -> None:
    page = visitor.open("data:text/html,<html lang=en><title>x</title><main><h1>x</h1><button></button></main>")
    (fault,) = accessibility_faults(page)
    assert fault.startswith("Buttons must have discernible text: <button></button> Fix any of the following:")


def test_a_color_that_cannot_be_read_on_a_phone_by_night_alone_is_named(visitor: Visitor) -> None:
    style = "@media (max-width: 400px) and (prefers-color-scheme: dark) { p { color: gray; background: dimgray } }"
    page = visitor.open(
        f"data:text/html,<html lang=en><title>x</title><style>{style}</style><main><h1>x</h1><p>Plates</p>"
    )
    (fault,) = page_faults(page)
    assert "minimum color contrast ratio" in fault


def test_header_that_axe_has_seen_hides_no_fault_of_the_page_below_it(visitor: Visitor) -> None:
    whole = "data:text/html,<html lang=en><title>x</title><header><a href=/>Home</a></header><main>"
    assert accessibility_faults(visitor.open(f"{whole}<h1>x</h1></main>")) == []
    faults = accessibility_faults(visitor.open(f"{whole}<p style='color: silver'>Plates</p></main>"))
    assert [fault.partition(":")[0] for fault in faults] == [
        "Elements must meet minimum color contrast ratio thresholds",
        "Page should contain a level-one heading",
    ]


def test_fault_in_a_header_is_named_on_each_page(visitor: Visitor) -> None:
    page = "data:text/html,<html lang=en><title>x</title><header><button></button></header><main><h1>x</h1></main>"
    for _ in range(2):
        assert len(accessibility_faults(visitor.open(page))) == 1
