import pytest

from tests.conformance.brought import brought

OURS = ("virtual", "rpi")


@pytest.mark.parametrize(
    ("asked", "tried"), [("", OURS), ("rpi", ("rpi",)), ("my_package.board:stand", ("my_package.board:stand",))]
)
def test_what_is_asked_for_is_tried(monkeypatch: pytest.MonkeyPatch, asked: str, tried: tuple[str, ...]) -> None:
    monkeypatch.setenv("PLATEPOST_BOARD", asked)
    assert brought("BOARD", OURS) == tried


def test_a_stand_without_its_function_does_not_pass_as_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATEPOST_BOARD", "my_package.board")
    with pytest.raises(pytest.UsageError, match=r"BOARD=my_package\.board: expected module:function, or one of "):
        brought("BOARD", OURS)
