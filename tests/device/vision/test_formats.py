from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platepost.device.vision.ctc import ALPHABET, Hypothesis, folded
from platepost.device.vision.formats import (
    BOUND,
    ISSUED,
    TIE,
    doubted,
    listed,
    plausibility,
    preferred,
    spelled,
    weighed,
)
from platepost.device.vision.serials import CALIFORNIAN, COUNTRIES, STATES, Country
from platepost.wire.records.regions import OTHER, REGIONS

TEXTS = st.text(ALPHABET, max_size=9)


@pytest.mark.parametrize(
    ("likelier", "than"),
    [("6WHS906", "6WHS9Q6"), ("AYE732", "4YE732"), ("8ABC234", "8A8C234"), ("ABC2345", "ABC23A5")],
)
def test_serials_of_the_states_are_likelier_than_their_look_alikes(likelier: str, than: str) -> None:
    assert plausibility(likelier) > 2 * plausibility(than)


def test_o_may_be_zero_and_i_may_be_one() -> None:
    assert plausibility("8ABC01") == plausibility("8ABCOI")


@given(text=TEXTS)
def test_no_text_is_impossible(text: str) -> None:
    assert 0 < plausibility(text) < 1


@given(best=TEXTS, other=TEXTS, share=st.floats(0.5, 1.0))
def test_a_likelier_serial_counts_at_most_by_the_bound(best: str, other: str, share: float) -> None:
    rest = 1 - share
    told = doubted([Hypothesis(best, share), Hypothesis(other, rest)])
    assert share / (share + rest * BOUND) <= told + 1e-9
    assert told <= share / (share + rest / BOUND) + 1e-9


def test_alone_or_beside_its_like_a_text_keeps_its_claim() -> None:
    assert doubted([Hypothesis("ABC2345", 0.8)]) == pytest.approx(0.8)
    assert doubted([Hypothesis("ABC2345", 0.8), Hypothesis("ABD2345", 0.2)]) == pytest.approx(0.8)


def texts(*hypotheses: tuple[str, float]) -> list[str]:
    return [hypothesis.text for hypothesis in preferred([Hypothesis(*hypothesis) for hypothesis in hypotheses])]


def test_of_two_texts_almost_as_likely_the_one_of_a_states_format_is_taken() -> None:
    assert texts(("6WHS9Q6", 0.43), ("6WHS906", 0.42)) == ["6WHS906", "6WHS9Q6"]
    assert texts(("Y8E7X2", 0.4), ("Y8E7XZ", 0.35), ("YBE782", 0.21), ("YBE7X2", 0.2)) == [
        "YBE782",
        "Y8E7X2",
        "Y8E7XZ",
        "YBE7X2",
    ]


@pytest.mark.parametrize(
    ("text", "alike"), [("71B4B6B", "71B486B"), ("U5G8KHG", "05G8KHG"), ("4YE732", "AYE732"), ("8ABC234", "BABC234")]
)
def test_a_serial_of_a_states_format_stands_however_rare_the_format(text: str, alike: str) -> None:
    assert listed(text)
    assert texts((text, 0.45), (alike, 0.44)) == [text, alike]


def test_between_texts_of_no_format_the_network_decides() -> None:
    assert not any(map(listed, ("IAMS0C00L", "")))
    assert texts(("A9A9", 0.4), ("AA99999A", 0.39)) == ["A9A9", "AA99999A"]


def test_o_and_i_may_stand_for_either_kind_in_a_format() -> None:
    assert all(map(listed, ("8ABC01I", "8ABCO1I")))


def test_a_format_forces_no_text_that_the_network_is_surer_of() -> None:
    assert texts(("6WHS9Q6", 0.65), ("6WHS906", 0.3)) == ["6WHS9Q6", "6WHS906"]


@given(st.lists(st.tuples(TEXTS, st.floats(0.001, 1.0)), min_size=1, max_size=6))
def test_what_is_preferred_is_within_a_tie_and_nothing_is_lost(told: list[tuple[str, float]]) -> None:
    told.sort(key=lambda one: -one[1])
    hypotheses = [Hypothesis(*one) for one in told]
    best, *others = preferred(hypotheses)
    assert Counter([best, *others]) == Counter(hypotheses)
    assert best.probability >= hypotheses[0].probability / TIE - 1e-12


@pytest.mark.parametrize(
    ("country", "read", "issued"),
    [
        ("BR", "0IQ1224", "OIQ1224"),
        ("BR", "ABCI2OI", "ABC1201"),
        ("BR", "BRA2O1I", "BRA2O11"),  # the fifth place may be either
        ("DE", "M0B123I", "MOB123I"),  # E and H follow some, so the last place may be either
        ("DE", "M0B2341", "MOB2341"),
        ("FR", "AB12OCD", "AB120CD"),
        ("RO", "B1O1ABC", "B101ABC"),
        ("EU", "AB1O0CD", "AB100CD"),
        ("EU", "0O1I0O", "0O1I0O"),
        ("BR", "O0O", "O0O"),
    ],
)
def test_a_text_is_spelled_as_all_formats_that_it_fits_have_it(country: Country, read: str, issued: str) -> None:
    assert spelled(read, COUNTRIES[country]) == issued


@given(text=TEXTS, country=st.sampled_from(sorted(COUNTRIES)))
def test_spelling_changes_nothing_but_o_and_i(text: str, country: Country) -> None:
    assert folded(spelled(text, COUNTRIES[country])) == folded(text)


def test_every_format_is_of_digits_and_letters() -> None:
    places = {place for serials in (*COUNTRIES.values(), *STATES.values()) for place in "".join(serials.split())}
    assert places == set("9AB")


def test_every_state_has_formats() -> None:
    assert {*STATES, OTHER} == set(REGIONS)


def texts_of_california(*hypotheses: tuple[str, float]) -> str:
    return preferred([Hypothesis(*hypothesis) for hypothesis in hypotheses], CALIFORNIAN)[0].text


def test_california_leaves_i_o_and_q_out_of_the_first_and_the_third_letter() -> None:
    assert texts_of_california(("7QBC234", 0.5), ("7DBC234", 0.4)) == "7DBC234"
    assert texts_of_california(("7BC0234", 0.5), ("7BCD234", 0.4)) == "7BCD234"
    assert texts_of_california(("7BQC234", 0.5), ("7BDC234", 0.4)) == "7BQC234"


def test_a_format_breaks_a_tie_and_overrules_nothing() -> None:
    assert texts_of_california(("7QBC234", 0.7), ("7DBC234", 0.3)) == "7QBC234"
    assert texts_of_california(("1291164", 0.5), ("1Z91164", 0.45)) == "1291164"


def test_a_text_counts_as_much_more_as_its_format_is_likely_to_be_the_issuers() -> None:
    unlikely, likely = Hypothesis("7QBC234", 0.6), Hypothesis("7DBC234", 0.2)
    first, second = weighed([unlikely, likely], (("US-CA", 0.9), ("US-NV", 0.1)))
    favored = 0.2 * (1 + 0.9 * (ISSUED - 1))
    total = favored + 0.6 + 0.2  # what is left to 1 stays for all other texts
    assert (first.text, first.probability) == ("7DBC234", pytest.approx(favored / total))
    assert (second.text, second.probability) == ("7QBC234", pytest.approx(0.6 / total))
    assert weighed([unlikely, likely], (("US-CA", 0.2),))[0] == Hypothesis("7QBC234", pytest.approx(0.6 / (1 + 0.24)))


def test_a_format_does_not_overrule_what_is_plain() -> None:
    assert weighed([Hypothesis("1291164", 0.9), Hypothesis("1Z9116A", 0.1)], (("US-CA", 1.0),))[0].text == "1291164"
    assert weighed([Hypothesis("7QBC234", 0.9), Hypothesis("7DBC234", 0.1)], (("US-CA", 1.0),))[0].text == "7QBC234"
