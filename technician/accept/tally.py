"""A person's count of vehicles, keystroke by keystroke, with the last one undone where it was one too many."""

from math import inf
from time import monotonic

from platepost.common.language import Phrase
from platepost.common.signals import sleep
from platepost.technician.accept.dialogue import Terminal


def tally(dialogue: Terminal, wanted: int, *, patience_seconds: float, settle_seconds: float) -> list[float]:
    """Return the `time.monotonic()` of each keystroke that is a vehicle, the earliest first.

    Args:
        dialogue: whom it counts with.
        wanted: how many; fewer if the person ends the count.
        patience_seconds: without a keystroke, after which the count ends.
        settle_seconds: after the last keystroke in which the post may yet read its vehicle, and a person take it back.

    Raises:
        EOFError: the person is gone before the count is over.

    """
    taps: list[float] = []
    idle, over = monotonic(), inf
    while (left := over - monotonic()) > 0:
        try:
            key = dialogue.tap(min(1.0, left))
        except EOFError:
            if over == inf:
                raise
            sleep(left)
            break
        if key is None:
            if over == inf and monotonic() - idle > patience_seconds:
                break
            continue
        idle = monotonic()
        if key.means == "undo":
            count = str(len(taps[:-1]))
            taken = Phrase("{count}: the last one was removed", count=count)
            dialogue.say(taken if taps else Phrase("{count}: there is none to remove", count=count))
            taps, over = taps[:-1], inf
        elif key.means == "end":
            over = min(over, key.at + settle_seconds)
        elif over == inf:
            taps.append(key.at)
            dialogue.say(Phrase("{count}", count=str(len(taps))))
            if len(taps) >= wanted:
                over = key.at + settle_seconds
                dialogue.say(
                    Phrase(
                        "That is all; for {seconds} s u and Enter still takes the last one back.",
                        seconds=f"{settle_seconds:.0f}",
                    )
                )
    return taps
