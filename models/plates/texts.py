"""Serials: what stands on plates, never only what a format allows."""

from typing import Final

import numpy as np

STATES: Final = (
    "ALABAMA", "Alaska", "ARIZONA", "Arkansas", "Colorado", "Connecticut", "DELAWARE", "FLORIDA", "GEORGIA",
    "HAWAII", "IDAHO", "Illinois", "INDIANA", "Iowa", "KANSAS", "Kentucky", "Louisiana", "MAINE", "Maryland",
    "Massachusetts", "MICHIGAN", "Minnesota", "MISSISSIPPI", "MISSOURI", "Montana", "Nebraska", "NEVADA",
    "NEW HAMPSHIRE", "New Jersey", "NEW MEXICO", "NEW YORK", "First in Flight", "NORTH DAKOTA", "Ohio", "OKLAHOMA",
    "Oregon", "PENNSYLVANIA", "Rhode Island", "South Carolina", "SOUTH DAKOTA", "Tennessee", "TEXAS", "UTAH",
    "Vermont", "VIRGINIA", "WASHINGTON", "West Virginia", "WISCONSIN", "Wyoming", "WASHINGTON, DC", "Ontario",
    "Beautiful British Columbia", "U.S. GOVERNMENT",
)  # fmt: skip

SLOGANS: Final = (
    "THE LONE STAR STATE", "Garden State", "EMPIRE STATE", "SUNSHINE STATE", "GRAND CANYON STATE",
    "Land of Lincoln", "10,000 lakes", "Great Lakes", "Sportsman's Paradise", "Constitution State",
    "THE FIRST STATE", "ALOHA STATE", "FAMOUS POTATOES", "Vacationland", "LIVE FREE OR DIE", "Ocean State",
    "EVERGREEN STATE", "PEACH STATE", "JACKSON", "NATIVE AMERICA", "THE SILVER STATE",
    "TAXATION WITHOUT REPRESENTATION", "www.example.gov", "The Natural State", "SHOW-ME STATE", "CRITICAL HABITAT",
    "IN GOD WE TRUST", "MADISON", "FOR OFFICIAL USE ONLY", "VETERAN", "DEALER", "",
)  # fmt: skip

US_PATTERNS: Final = (
    "AAA999", "999AAA", "AAA9999", "9999AAA", "AA9999", "9999AA", "AAA99A", "99A999", "9A9999A", "A999999",
    "999999", "9999999", "AA9A9A", "A99999", "AA99999", "99AAA9", "999A99A", "AAA999A", "9AAA999", "A9A9A9",
    "AA99AA", "999AA9", "?A9?9A", "AA9?9?", "A99AAA", "99AA99", "AA99A9", "99999AA", "AAAA999", "A9999", "999",
    "9999", "A99A9A", "9AA9999",
)  # fmt: skip
"""Of many states, for `platepost.models.plates.texts.from_pattern`; California's own stand with its designs."""

EUROPEAN_PATTERNS: Final = (
    "AA999AA", "AAA9999", "A999AA", "AA99AAA", "AAA999", "9999AAA", "AA9999A", "AAAA9999", "AA999999", "99AA999",
)  # fmt: skip


LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS: Final = "0123456789"
CALIFORNIA_OUTER_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
"""Letters of the first and third place of a California passenger serial: I, O and Q never stand there."""
CONFUSIONS: Final = (
    "4LA", "4A", "1IT", "0ODQ", "2Z", "5S", "8B", "68B", "6G", "VY", "MNHW", "CG", "3J", "7Z1", "UV0", "PF", "KX",
)  # fmt: skip
"""Characters that readers take for one another; they are drawn more often than the rest."""

_CONFUSED: Final = "".join(CONFUSIONS)
RARE: Final = "Q"
"""Letters that most states leave out of their serials: a smudged 0 is a Q far less often than it looks like one."""
_WORDS: Final = [
    "LOVE",
    "SUN",
    "SKI",
    "DAD",
    "MOM",
    "HOT",
    "RUN",
    "SEA",
    "SURF",
    "DOC",
    "CAT",
    "DOG",
    "VAN",
    "BMW",
    "JET",
    "FLY",
    "GOLF",
    "BIKE",
    "ROCK",
    "STAR",
    "KING",
    "QUEEN",
    "LADY",
    "BOSS",
    "MY",
    "THE",
    "FOR",
    "YOU",
    "ALL",
    "NO",
    "GO",
    "I",
    "4",
    "2",
    "U",
    "R",
    "LIL",
    "BIG",
    "RED",
    "BLU",
    "CAR",
    "FUN",
    "JOY",
    "WIN",
    "ACE",
    "ZEN",
    "YES",
    "WAY",
    "HOME",
    "OCEAN",
    "BEACH",
    "LAKE",
    "HIKE",
    "CAMP",
]


def letter(rng: np.random.Generator, alphabet: str = LETTERS) -> str:
    """One letter; the confused ones come more often, the rare ones half as often as a plain one."""
    pool = "".join(2 * c for c in alphabet + "".join(c for c in _CONFUSED if c in alphabet) if c not in RARE)
    pool += "".join(c for c in alphabet if c in RARE)
    return pool[int(rng.integers(len(pool)))]


def digit(rng: np.random.Generator) -> str:
    """One digit, all equally often: each has a letter that it is taken for."""
    return DIGITS[int(rng.integers(10))]


def from_pattern(rng: np.random.Generator, pattern: str) -> str:
    """Fill a pattern: A is any letter, 9 any digit, ? either; other characters stand for themselves."""
    drawn = []
    for place in pattern:
        if place == "A":
            drawn.append(letter(rng))
        elif place == "9":
            drawn.append(digit(rng))
        elif place == "?":
            drawn.append(letter(rng) if rng.random() < 0.5 else digit(rng))
        else:
            drawn.append(place)
    return "".join(drawn)


def anything(rng: np.random.Generator, shortest: int = 2, longest: int = 8) -> str:
    """Letters and digits in any order, 6 and 7 of them most often."""
    lengths = np.arange(shortest, longest + 1)
    weights = np.array([{2: 1, 3: 2, 4: 3, 5: 6, 6: 24, 7: 30, 8: 8}.get(int(n), 1) for n in lengths], float)
    length = int(rng.choice(lengths, p=weights / weights.sum()))
    share = float(rng.choice([0.0, 0.3, 0.5, 0.7, 1.0]))
    return "".join(letter(rng) if rng.random() < share else digit(rng) for _ in range(length))


def personalised(rng: np.random.Generator, longest: int = 7) -> str:
    """Choose a text as owners do: words, parts of words, letters for sounds. Only the letter O, never zero."""
    if rng.random() < 0.5:
        text = ""
        while len(text) < longest - 2:
            text += _WORDS[int(rng.integers(len(_WORDS)))]
        text = text[: int(rng.integers(3, longest + 1))]
    else:
        vowels, others = "AEIOUY", "BCDFGHJKLMNPQRSTVWXZ"
        length = int(rng.integers(3, longest + 1))
        text = "".join(letter(rng, vowels if rng.random() < 0.4 else others) for _ in range(length))
        if rng.random() < 0.3:
            at = int(rng.integers(len(text)))
            text = text[:at] + "123456789"[int(rng.integers(9))] + text[at + 1 :]
    return text.replace("0", "O")


def california_passenger(rng: np.random.Generator) -> str:
    """1ABC234 up to 9ZZZ999, and since then 000AAA1."""
    letters = letter(rng, CALIFORNIA_OUTER_LETTERS) + letter(rng) + letter(rng, CALIFORNIA_OUTER_LETTERS)
    if rng.random() < 0.75:
        return "123456789"[int(rng.integers(9))] + letters + from_pattern(rng, "999")
    return from_pattern(rng, "999") + letters + digit(rng)
