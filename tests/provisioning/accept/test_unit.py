from device.board.base import Light
from device.board.patterns import PATTERNS, described
from provisioning.accept.dialogue import Terminal
from provisioning.accept.unit import _lights
from simulator.board.virtual import VirtualBoard


class Honest(Terminal):
    """Says yes to the very pattern that the light shows, and to nothing else."""

    def __init__(self, board: VirtualBoard) -> None:
        super().__init__()
        self._board = board
        self.asked = ""

    def ask(self, question: str) -> bool:
        self.asked = question
        shown = self._board.value("status_light")
        assert isinstance(shown, Light)
        return PATTERNS[shown] != () and described(shown) in question and self._board.value("illuminator") is True


def test_the_question_says_what_is_to_be_seen_at_this_moment() -> None:
    board = VirtualBoard()
    person = Honest(board)
    assert _lights(board, person).good
    assert "one short flash every 3 s" in person.asked
    assert (board.value("status_light"), board.value("illuminator")) == (Light.OFF, False)
