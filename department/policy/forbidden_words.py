"""Forbidden words, however they are spelled: how a text is folded, and the patterns that are searched for in it.

The database applies the same characters and the same patterns: `upgrade` gives them to its table `policy_rules`, and
`policy_folded.sql` folds as `folded` does. Every pattern is a regular expression that means the same to both.
"""

import re
import string
import unicodedata
from collections.abc import Iterator
from functools import cache

INVISIBLE = (
    r"[\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f"
    r"\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u3164\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Invisible characters: Unicode's Default_Ignorable_Code_Point, and combining marks."""
_EDGE = "[A-Za-z0-9]"
_GAP = "[^A-Za-z0-9]"
_DRAWN = (
    "LATIN LETTER SMALL CAPITAL {}",
    "REGIONAL INDICATOR SYMBOL LETTER {}",
    "NEGATIVE CIRCLED LATIN CAPITAL LETTER {}",
    "NEGATIVE SQUARED LATIN CAPITAL LETTER {}",
)
"""Names of characters that look like a capital, which Unicode neither decomposes nor calls confusable."""
_STANDS_FOR = {
    "a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!|l", "l": "1|I", "o": "0", "s": "5$", "t": "7+", "z": "2",
}  # fmt: skip
"""Digits and signs that people write for a letter."""


@cache
def look_alikes() -> tuple[str, str]:
    """Return characters that look like a Latin letter or a digit, and in the same order what each looks like.

    From Unicode's list of confusables (UTS 39), in which l stands for I and 1, too: what was a capital stays one.
    """
    from confusable_homoglyphs.confusables import confusables_data  # noqa: PLC0415 - a megabyte that few commands need

    pairs: dict[str, str] = {}
    for character, alike in confusables_data.items():
        prototype = re.sub(INVISIBLE, "", unicodedata.normalize("NFKD", alike[0]["c"]))
        if len(character) == 1 and not character.isascii() and prototype.isascii() and prototype.isalnum():
            capital = unicodedata.category(character) == "Lu"
            if len(prototype) == 1:
                pairs[character] = prototype.replace("l", "I").upper() if capital else prototype
    for letter in string.ascii_uppercase:
        for name in _DRAWN:
            try:
                pairs[unicodedata.lookup(name.format(letter))] = letter
            except KeyError:
                continue  # there is no small capital X
    return "".join(pairs), "".join(pairs.values())


@cache
def _table() -> dict[int, int]:
    return str.maketrans(*look_alikes())


def folded(text: str) -> str:
    """Return a text ready for the search: compatible characters, without marks, in Latin letters."""
    if text.isascii():
        return text
    # Before as well: a decomposed character may no longer look like a letter, as the lunate sigma.
    return re.sub(INVISIBLE, "", unicodedata.normalize("NFKD", text.translate(_table()))).translate(_table())


@cache
def words_pattern(words: tuple[str, ...], *, nearly: bool = False) -> str:
    """Return the regular expression for words in a folded text; without words, one that never matches.

    A word counts as a whole word, with `*` at its end also as the beginning of one. A word in capitals, such as `ICE`,
    counts in capitals alone, or with something between all its letters (`i.c.e.`). Any other counts in either case,
    with signs and digits for letters (`d3port`), signs between letters, and all its letters apart (`d e p o r t`).

    Args:
        words: from the policy file.
        nearly: words in capitals count in small letters, and with digits for letters (`1ce`), too.

    """
    patterns = [_word(word, nearly=nearly) for word in words]
    return f"(?<!{_EDGE})(?:{'|'.join(patterns)})" if patterns else "(?!a)a"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(f"{pattern}{_EDGE}*")


def find_forbidden(text: str, pattern: str, *, innocent: str) -> str | None:
    """Return the first whole words of a text that match a pattern, folded; None if there are none.

    Args:
        text: unfolded.
        pattern: from `words_pattern`.
        innocent: a pattern to remove from the text first.

    """
    match = _compiled(pattern).search(_compiled(innocent).sub(" ", folded(text)))
    return match and match[0]


def _word(word: str, *, nearly: bool) -> str:
    text = folded(word)
    end = "" if text.endswith("*") else f"(?!{_EDGE})"
    runs = re.findall(f"{_EDGE}+", text)
    capitals = text.isupper() and text.isalpha()
    parts = [*(_apart(run) for run in runs if len(run) > 1)] if len(runs) == 1 else []
    if capitals and not nearly:
        return f"(?:{'|'.join([text, *parts])}){end}"
    inner = "" if capitals else r"[^A-Za-z0-9\s]{0,2}"
    joined = f"{_GAP}{{0,3}}".join(inner.join(map(_letter, run)) for run in runs)
    return f"(?:{'|'.join([joined, *parts])}){end}"


def _apart(run: str) -> str:
    return f"{_GAP}{{1,3}}".join(f"[{''.join(_cases(letter))}]" for letter in run)


def _letter(letter: str) -> str:
    return f"[{''.join(_cases(letter))}{_STANDS_FOR.get(letter.lower(), '')}]"


def _cases(letter: str) -> Iterator[str]:
    yield from dict.fromkeys((letter.lower(), letter.upper()))
