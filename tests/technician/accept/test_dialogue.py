"""What is typed at a terminal, and when it counts."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from fcntl import ioctl
from pty import openpty
from struct import unpack
from termios import FIONREAD
from threading import Thread

import pytest

from platepost.technician.accept.dialogue import Keystroke, Terminal, key_of
from platepost.technician.accept.tally import tally
from tests.waiting import until

SECONDS = 10.0


class Keyboard:
    """A terminal, and the hands at it."""

    def __init__(self) -> None:
        self._hands, self._line = openpty()
        self._stream = os.fdopen(self._line, encoding="ascii")
        self.terminal = Terminal(self._stream)

    def type(self, text: str) -> None:
        os.write(self._hands, text.encode())

    def waits(self) -> int:
        """Say how many characters no one has read."""
        (count,) = unpack("i", ioctl(self._line, FIONREAD, b"\0" * 4))
        return int(count)

    def leave(self) -> None:
        with suppress(OSError):
            os.close(self._hands)


@pytest.fixture
def keyboard() -> Iterator[Keyboard]:
    made = Keyboard()
    yield made
    made.leave()


def means(terminal: Terminal, seconds: float = SECONDS) -> str | None:
    key = terminal.tap(seconds)
    return None if key is None else key.means


def test_what_was_typed_before_the_first_question_is_forgotten(keyboard: Keyboard) -> None:
    keyboard.type("\n\n\n")
    until(lambda: keyboard.waits() == 3)
    keyboard.terminal.discard()
    keyboard.type("q\n")
    assert means(keyboard.terminal) == "end"


def test_what_was_typed_during_an_earlier_step_is_no_vehicle(keyboard: Keyboard) -> None:
    keyboard.type("\n")
    assert means(keyboard.terminal) == "vehicle"
    keyboard.type("\n\n")
    until(lambda: keyboard.terminal._lines.qsize() == 2)
    keyboard.terminal.discard()
    keyboard.type("u\n")
    assert means(keyboard.terminal) == "undo"
    assert means(keyboard.terminal, 0.05) is None


def test_what_was_typed_before_a_question_does_not_answer_it(
    keyboard: Keyboard, capsys: pytest.CaptureFixture[str]
) -> None:
    keyboard.type("n\n")
    assert means(keyboard.terminal) == "vehicle"
    keyboard.type("n\n")
    until(lambda: keyboard.terminal._lines.qsize() == 1)

    def answer() -> None:
        """Answer as soon as it stands there."""
        until(lambda: "Is it lit?" in capsys.readouterr().out)
        keyboard.type("y\n")

    hand = Thread(target=answer)
    hand.start()
    assert keyboard.terminal.ask("Is it lit?")
    hand.join()


def test_what_a_script_wrote_beforehand_is_kept() -> None:
    read, write = os.pipe()
    os.write(write, b"\n\n")
    os.close(write)
    with os.fdopen(read, encoding="ascii") as stream:
        terminal = Terminal(stream)
        terminal.discard()
        assert [means(terminal), means(terminal)] == ["vehicle", "vehicle"]
        with pytest.raises(EOFError):
            terminal.tap(SECONDS)
        terminal.discard()
        with pytest.raises(EOFError):
            terminal.tap(SECONDS)


def test_a_terminal_that_is_lost_is_the_end(keyboard: Keyboard) -> None:
    assert means(keyboard.terminal, 0.0) is None
    keyboard.leave()
    with pytest.raises(EOFError):
        keyboard.terminal.tap(SECONDS)


class Script(Terminal):
    """What a person types, one after the other, and what they are told."""

    def __init__(self, *typed: str | None) -> None:
        super().__init__()
        self._typed = list(typed)
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def tap(self, seconds: float) -> Keystroke | None:
        if not self._typed:
            raise EOFError
        typed = self._typed.pop(0)
        return None if typed is None else key_of(typed, time.monotonic())


def counted(*typed: str | None, wanted: int = 3) -> tuple[int, list[str]]:
    script = Script(*typed)
    return len(tally(script, wanted, patience_seconds=SECONDS, settle_seconds=0.05)), script.said


def test_one_too_many_is_taken_back() -> None:
    number, said = counted("", "", "u", "", "", "q")
    assert number == 3
    assert said[:5] == ["1", "2", "1: the last one was removed", "2", "3"]
    assert counted("u", "", "q")[1][:2] == ["0: there is none to remove", "1"]


def test_the_very_last_can_be_taken_back_too_and_what_comes_after_it_does_not_count() -> None:
    assert counted("", "", "", None, "", "u", "", "", "")[0] == 3
    assert counted("", "", "", "u", "q")[0] == 2


def test_a_count_goes_on_until_it_is_ended() -> None:
    assert counted("", None, "", "q")[0] == 2
    with pytest.raises(EOFError):
        counted("", "")
    assert len(tally(Script("", *[None] * 1000), 3, patience_seconds=0.0, settle_seconds=SECONDS)) == 1


def test_a_wait_is_one_line_on_a_terminal_and_none_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    for watched in (True, False):
        terminal = Terminal(watched=watched)
        terminal.say("Plug it in again.")
        terminal.progress("not connected yet ... 1 s")
        terminal.progress("not connected yet ... 2 s")
        terminal.say("good")
        terminal.say("more")
        anew, said = "\r\x1b[K", capsys.readouterr().out
        if watched:
            assert said.split(anew) == [
                *("Plug it in again.\n", "not connected yet ... 1 s", "not connected yet ... 2 s", "good\nmore\n")
            ]
        else:
            assert said == "Plug it in again.\ngood\nmore\n"
