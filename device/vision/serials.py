"""The formats of countries' serials: which places of a serial hold letters, and which hold digits.

In a format 9 is a digit, A any letter, and B a letter other than I, O and Q, which issuers leave out because they look
like 1 and 0. Spaces part formats.
"""

from collections.abc import Mapping
from typing import Final, Literal

_PRESENT: Final[Mapping[str, str]] = {
    "US-AL": "9AA9999 99AA999",
    "US-AK": "AAA999",
    "US-AZ": "AAA9999 AAA9AAA A9A9AAA AAA9A9A A9A9A9A 9AA9AAA 99A9AAA 9AA9A9A 99A9A9A",
    "US-AR": "999AAA AAA99A",
    "US-CA": "9AAA999 999AAA9 9A99999 99999A9",
    "US-CO": "AAA999 AAAA99 999AAA",
    "US-CT": "AA99999",
    "US-DE": "999999",
    "US-DC": "AA9999",
    "US-FL": "AAAA99 999AAA A999AA 9999AA",
    "US-GA": "AAA9999",
    "US-HI": "AAA999",
    "US-ID": "A999999 9A99999 9AA9999",
    "US-IL": "AA99999 A999999",
    "US-IN": "999A 999AA 999AAA",
    "US-IA": "AAA999",
    "US-KS": "999AAA 9999AAA",
    "US-KY": "999AAA AAA999",
    "US-LA": "999AAA",
    "US-ME": "9999AA",
    "US-MD": "9AA9999",
    "US-MA": "9AAA99 9AA999 999AA9 99AA99",
    "US-MI": "AAA9999 9AAA99",
    "US-MN": "999AAA AAA999",
    "US-MS": "AAA999 AAA9999",
    "US-MO": "AA9A9A",
    "US-MT": "999999A AAA999",
    "US-NE": "9A9999 99A999",
    "US-NV": "99A999 999A99 AAA999",
    "US-NH": "9999999",
    "US-NJ": "A99AAA AAA99A",
    "US-NM": "AAAA99 999AAA",
    "US-NY": "AAA9999",
    "US-NC": "AAA9999",
    "US-ND": "999AAA",
    "US-OH": "AAA9999",
    "US-OK": "AAA999",
    "US-OR": "999AAA",
    "US-PA": "AAA9999",
    "US-RI": "999999 AA999",
    "US-SC": "AAA999 999AAA",
    "US-SD": "9AA999 99A999",
    "US-TN": "A9999A AAA9999",
    "US-TX": "AAA9999 AA9A999",
    "US-UT": "A999AA",
    "US-VT": "AAA999",
    "US-VA": "AAA9999",
    "US-WA": "AAA9999 999AAA",
    "US-WV": "A99999",
    "US-WI": "AAA9999 999AAA",
    "US-WY": "999999",
}
"""Serials of the states' passenger and commercial plates.

From the states' published formats, as Wikipedia's "United States license plate designs and serial formats" has them.
Arizona has nine: AAA9999, and since April 2020 random serials of eight more, as Wikipedia's "Vehicle registration
plates of Arizona" lists them.
"""
_OLDER: Final[Mapping[str, str]] = {"US-NE": "AAA999", "US-NV": "999AAA", "US-NM": "AAA999", "US-WV": "9AA999"}
"""Serials that are no longer issued, but still on the road."""

CALIFORNIAN: Final = "9BAB999 999BAB9 9B99999 99999B9 AAA999 999AAA 9999999"
"""Serials of California: passenger cars (1ABC234, 000AAA1), commercial vehicles (1A23456, 12345A1), the black plates of
1963, the blue ones of 1969, public bodies. I, O and Q stand only in the middle of three letters.
"""

UNITED_STATES: Final = " ".join(_PRESENT.values())
"""What the states issue, each state's own: a format that many have stands here as often."""

STATES: Final[Mapping[str, str]] = {
    **{state: f"{serials} {_OLDER.get(state, '')}" for state, serials in _PRESENT.items()},
    "US-CA": CALIFORNIAN,
}
"""What bears a state's plate, by ISO 3166-2."""

CALIFORNIA_ALONE: Final = "9BAB999 999BAB9 9B99999 99999B9 9999999"
"""Those of California's serials that speak for it: a dozen states issue AAA999 and 999AAA, too."""

Country = Literal[
    "US", "BR", "EU", "AT", "BE", "BG", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT",
    "LU", "LV", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
]  # fmt: skip
"""Whose formats are known, ISO 3166-1; EU is all of the Union's members together."""

_UNION: Final[Mapping[Country, str]] = {
    "AT": "A99999A A9999A A9999AA A999AA A999AAA AA9999A AA999A AA999AA AA99AA AA99AAA AA9AA AA9AAA",
    "BE": "9AAA999 999AAA AAA999",
    "BG": "A9999AA AA9999AA",
    "CZ": "9B99999 9BB9999",
    "DE": (
        "AA9 AA99 AA999 AA9999 AAA9 AAA99 AAA999 AAA9999 AAAA9 AAAA99 AAAA999 AAAA9999 AAAAA9 AAAAA99 AAAAA999 "
        "AAA99A AAA999A AAAA99A AAAA999A"
    ),
    "DK": "AA99999",
    "EE": "999AAA",
    "ES": "9999BBB A9999AA AA9999AA A9999A",
    "FI": "AAA999 AAA99",
    "FR": "BB999BB 9999AA99 999AAA99 9999AAA99",
    "GR": "AAA9999",
    "HR": "AA999A AA999AA AA9999A AA9999AA",
    "HU": "AAA999 AAAA999",
    "IE": "99A9999 99A99999 99AA9999 99AA99999 999A9999 999A99999 999AA9999 999A999 999AA999",
    "IT": "BB999BB",
    "LT": "AAA999",
    "LU": "AA9999",
    "LV": "AA9999",
    "NL": "AA9999 9999AA AA99AA AAAA99 99AAAA 99AAA9 9AAA99 AA999A A999AA AAA99A A99AAA 9AA999 999AA9",
    "PL": (
        "AA99999 AA9999A AA999AA AA9A999 AA9AA99 AAAA999 AAA99AA AAA9A99 AAA99A9 AAA9AA9 AAAAA99 AAA99999 AAA9999A "
        "AAA999AA"
    ),
    "PT": "9999AA AA9999 99AA99 AA99AA",
    "RO": "A99AAA A999AAA AA99AAA",
    "SE": "AAA999 AAA99A",
    "SI": "AA99AAA AA9A999 AAAA999 AA999AA AA99A99",
    "SK": "AA999AA",
}
"""The Union's members' formats, of many the ones that most cars have; from Wikipedia's articles on their plates."""

COUNTRIES: Final[Mapping[Country, str]] = {
    "US": UNITED_STATES,
    "BR": "AAA9999 AAA9A99",
    "EU": " ".join(_UNION.values()),
    **_UNION,
}
"""The formats by country; Brazil's are those before and after 2018, as Wikipedia has them."""
