"""The plainest way to tell which plates fit a pattern, and patterns and plates drawn to try it."""

import random
import re

from platepost.department.search.misreads import look_alikes
from platepost.department.search.patterns import NGram, ngram_code

ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_FEW = "018ABC7"
"""Few characters, so that much fits."""


def fits(pattern: str, plate: str, budget: int = 0, slips: int = 0) -> bool:
    """Tell whether a folded plate fits a pattern without spaces; three known characters agree where it hides any."""
    known = sum(character not in "?*" for character in re.sub(r"\[.*?\]", "A", pattern))
    hides = [(slips, 0), *((slip, known - 3 - slip) for slip in range(slips + 1) if known - 3 > slip)]
    return any(_walk(pattern, plate, budget, *each) for each in hides)


def _walk(pattern: str, plate: str, budget: int, slips: int, hides: int) -> bool:
    """Tell it character by character, with so many look-alikes, wrong characters and hidden ones."""
    if not pattern:
        return not plate
    if pattern[0] == "*":
        return any(_walk(pattern[1:], plate[skipped:], budget, slips, hides) for skipped in range(len(plate) + 1))
    if not plate:
        return False
    if pattern[0] == "[":
        several, _, rest = pattern[1:].partition("]")
        chosen = {folded(character) for character in several}
    else:
        chosen, rest = {folded(pattern[0])}, pattern[1:]
    if plate[0] in chosen or "?" in chosen:
        return _walk(rest, plate[1:], budget, slips, hides)
    if plate[0] == "?":
        return hides > 0 and _walk(rest, plate[1:], budget, slips, hides - 1)
    alike = len(chosen) == 1 and plate[0] in look_alikes(*chosen)
    return (alike and budget > 0 and _walk(rest, plate[1:], budget - 1, slips, hides)) or (
        slips > 0 and _walk(rest, plate[1:], budget, slips - 1, hides)
    )


def folded(text: str) -> str:
    return text.replace("O", "0").replace("I", "1")


def grams_of(plate: str) -> set[int]:
    """Return the grams that the database has of a plate, made in the order of their definition."""
    matches = {ngram_code(NGram.PAIR, 0, plate[at : at + 2]) for at in range(len(plate) - 1)}
    for at in range(len(plate)):
        left_over = len(plate) - 1 - at
        if at <= 15:
            matches.add(ngram_code(NGram.FIRST, at, plate[at]))
        if left_over <= 15:
            matches.add(ngram_code(NGram.LAST, left_over, plate[at]))
        if left_over and at < 15:
            matches.add(ngram_code(NGram.FIRST_PAIR, at, plate[at : at + 2]))
        if at and left_over < 15:
            matches.add(ngram_code(NGram.LAST_PAIR, left_over, plate[at - 1 : at + 1]))
    return matches


def drawn_pattern(draw: random.Random) -> str:
    """Draw a pattern of some known characters."""
    length = draw.choice([3, 4, 5, 6, 7, 7, 7, 9])
    return "".join(
        draw.choices([draw.choice(_FEW + "OI"), "?", "*", _set(draw)], [10, 4, 1, 1])[0] for _ in range(length)
    )


def drawn_plate(draw: random.Random, *, like: str = "") -> str:
    """Draw a folded plate; one that often fits a pattern, if one is given. Some hide a character or two."""
    if not like:
        return _hiding(draw, "".join(draw.choices(_FEW, k=draw.choice([3, 5, 6, 7, 7, 7, 8]))))
    plate, rest = "", like
    while rest:
        if rest[0] == "[":
            several, _, rest = rest[1:].partition("]")
            plate += folded(draw.choice(several))
            continue
        if rest[0] == "*":
            plate += "".join(draw.choices(ALPHABET, k=draw.randrange(3)))
        else:
            plate += draw.choice(ALPHABET) if rest[0] == "?" else folded(rest[0])
        rest = rest[1:]
    changed = list(plate)
    for at in range(len(plate)):
        if draw.random() < 0.12:
            changed[at] = draw.choice(look_alikes(plate[at]) or plate[at])
    return _hiding(draw, "".join(changed)[:24])


def _hiding(draw: random.Random, plate: str) -> str:
    places = draw.choices(range(len(plate)), k=2) if plate and draw.random() < 0.15 else ()
    return "".join("?" if at in places else character for at, character in enumerate(plate))


def _set(draw: random.Random) -> str:
    return f"[{''.join(draw.sample(_FEW, draw.randrange(1, 4)))}]"
