"""Places: what the records that wait are called outside the outbox.

A file numbers its rows itself, and the one that takes the place of a damaged one gives the same numbers to other
records. So a place says too at which opening of a file it was given. One of an earlier opening means nothing any more:
whoever still has it can neither delete another record by it, nor keep one from being sent.
"""

_SPAN = 2**48
"""The numbers of one opening lie within half of it around 0. Those of the first opening are places as they are."""


def place_of(number: int, opening: int) -> int:
    """Return the place of the row `number`, at an opening counted from 0."""
    return opening * _SPAN + number


def number_of(place: int, opening: int) -> int | None:
    """Return the number of the row at `place`, or None if the place was given at another opening."""
    number = place - opening * _SPAN
    return number if -_SPAN // 2 <= number < _SPAN // 2 else None
