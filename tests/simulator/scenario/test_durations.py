import pytest

from platepost.simulator.scenario.durations import seconds, words


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (90, 90.0),
        (0.5, 0.5),
        ("90 s", 90.0),
        ("12.9 s", 12.9),
        ("1 h 30 min", 5400.0),
        ("1h30min", 5400.0),
        ("7 days 10 min", 7 * 86400 + 600.0),
        ("1 day", 86400.0),
        ("-45 days", -45 * 86400.0),
    ],
)
def test_a_duration_is_a_number_of_seconds_or_words(written: float | str, meant: float) -> None:
    assert seconds(written) == pytest.approx(meant)


@pytest.mark.parametrize("written", ["", "soon", "5", "5 parsecs", "5 s and a bit", "min 5", True, None, [5]])
def test_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"duration|seconds"):
        seconds(written)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (0, "0 s"),
        (12.94, "12.9 s"),
        (60, "1 min"),
        (65, "1 min 5 s"),
        (5400, "1 h 30 min"),
        (86400, "1 day"),
        (-60, "-1 min"),
    ],
)
def test_durations_are_written_as_people_do(duration: float, text: str) -> None:
    assert words(duration) == text


def test_what_is_written_is_read_back() -> None:
    for duration in (5.0, 61.0, 3660.0, 8 * 86400.0):
        assert seconds(words(duration)) == duration
