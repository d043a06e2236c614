"""Worn words in what people read, and what to write instead: `make docs` and tests/test_prose.py look for them."""

import re
from collections.abc import Iterator

INSTEAD = {
    r"(some|no|any|every)body('s)?": "someone, no one, anyone, everyone, or the role",
    r"whoever|whomever": "anyone who, or the role",
    r"anew|once more": "again",
    r"beside(?! the point)": "next to, with",
    r"in force": "active, valid",
    r"for good(?! measure)": "permanently",
    r"(done|runs|starts|ends|heals|happens|\w+ed) by (itself|themselves)": "automatically",
    r"(?<!there )(is|are) no (plate|number|date|record|word|name|file|list|\w+ (for|of))": "is not a, has no",
    r"no more(?! (than|\w+ than)\b)": "no longer, none",
    r"(goes|went) on(?! with the)": "continue",
    r"(?<!law )says|say so|said": "reports, shows, states, logs",
    r"tells|(has|have|had) told": "reports, shows, notifies",
    r"hears|heard(?! (on|by)\b)": "receives",
    r"(names|named) (what|which|who|it|them)": "shows, lists, reports",
    r"answers for|answerable": "is responsible for",
    r"(give|gives|given|gave) (notice|up|away)": "report, stop, reveal",
    r"as it should be": "expected",
    r"(take|takes|taken|took) back": "withdraw",
    r"(stands|stood) (in|on|there|below|above|behind)": "is",
    r"(lies|lay) (in|on|there|beside|at)": "is",
    r"wherein|whereby|thereby|thereof|hereby|whereupon|whence|hence|albeit|whilst|amongst": "plain words",
    r"colour\w*|favour\w*|honour\w*|behaviour\w*|neighbour\w*|licence|centre\w*|grey|cheque": "American spelling",
    r"(organ|recogn|real|synchron|author|normal|summar|minim|optim|serial)is(e|es|ed|ing|ation)": "American spelling",
    r"\d+ %": "94.8%",
    r"alarmed|(raise|raises|raised) (an )?alarms?|(?<!hot list )alarms": "alert on the console, hit from a post",
    r"(un)?sealed": "encrypted",
    r"USB stick|memory stick": "USB drive",
}
"""By expression: what to write."""
_COMPILED = {each: re.compile(rf"(?<![\w/.-])(?:{each})(?![\w/-])", re.IGNORECASE) for each in INSTEAD}


def readable(text: str) -> str:
    """Return what people read of a page in Markdown: without blocks of code, code in a line, and targets of links."""
    text = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    return re.sub(r"`[^`]*`|\]\([^)]*\)|<[^>]+>", " ", text)


def offenses(text: str) -> Iterator[tuple[str, str]]:
    """Yield each expression that a text has, and the words that have it."""
    text = " ".join(text.split())  # a line may end within an expression
    for name, pattern in _COMPILED.items():
        for found in pattern.finditer(text):
            yield name, text[max(0, found.start() - 40) : found.end() + 30]
