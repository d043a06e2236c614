"""Partial plates from a file: CSV with a header, or TOML with one [[pattern]] each.

Members are pattern, characters, state, category, priority, distribution, case, author and expires. Case, author and
expiry are not optional: someone answers for every pattern, and it ends. That there are no patterns is said by a header
without rows, or by `pattern = []`, never by a file that lacks them: it takes the place of all that posts hold.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from platepost.common.files import read_toml
from platepost.provisioning.hotlist.cleaning import (
    LONGEST_PLATE,
    clean_distribution,
    clean_moment,
    clean_pattern,
    clean_priority,
)
from platepost.provisioning.hotlist.encoding import opened
from platepost.provisioning.hotlist.mapping import SourceMapping
from platepost.provisioning.hotlist.rows import RefusedRow, RowRefusedError, SourceError
from platepost.wire.hotlist.fingerprints import LONGEST_REFERENCE
from platepost.wire.hotlist.layout import FEWEST_KNOWN, MOST_PATTERNS, PatternEntry, is_line

_MEMBERS = frozenset(
    {"pattern", "characters", "state", "category", "priority", "case", "author", "expires", "distribution"}
)

_CUT_SHORT = "\0"
"""Stands for the fields of a CSV row that it has not: without its group a covert pattern would be open."""


def read_patterns(path: Path, mapping: SourceMapping, *, at: datetime) -> Iterator[PatternEntry | RefusedRow]:
    """Yield every pattern of a file, cleaned or refused; a refusal's line is the entry's number in a TOML file.

    Raises SourceError when the file as a whole cannot be read, has members that are not known or no header, or too many
    patterns.
    """
    try:
        records = _toml(path) if path.suffix == ".toml" else _csv(path)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    except (ValueError, csv.Error) as error:
        raise SourceError(f"{path}: {error}") from error
    if len(records) > MOST_PATTERNS:
        raise SourceError(f"{path}: {len(records)} patterns, at most {MOST_PATTERNS} are allowed")
    _check_known(path, {name for _, record in records for name in record})
    for line, record in records:
        try:
            yield _clean(record, mapping, at)
        except RowRefusedError as refusal:
            yield RefusedRow(line, str(refusal))


def _check_known(path: Path, names: Iterable[str]) -> None:
    if unknown := set(names) - _MEMBERS:
        raise SourceError(f"{path}: unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(_MEMBERS))}")


def _csv(path: Path) -> list[tuple[int, dict[str, str]]]:
    with opened(path, "auto") as file:
        reader = csv.DictReader(file, restkey="too many fields", restval=_CUT_SHORT, strict=True)
        header = reader.fieldnames or ()
        _check_known(path, header)
        if "pattern" not in header:
            raise SourceError(f"{path}: no column 'pattern'")
        return [(reader.line_num, record) for record in reader if any(record.values())]


def _toml(path: Path) -> list[tuple[int, dict[str, str]]]:
    content = read_toml(path)
    if unknown := content.keys() - {"pattern"}:
        raise SourceError(f"{path}: unknown: {', '.join(sorted(unknown))}; write patterns as [[pattern]] tables")
    entries = content.get("pattern")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SourceError(f"{path}: write patterns as [[pattern]] tables; use pattern = [] for none")
    return [(number, {name: _text(value) for name, value in entry.items()}) for number, entry in enumerate(entries, 1)]


def _text(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _clean(record: Mapping[str, str], mapping: SourceMapping, at: datetime) -> PatternEntry:
    if _CUT_SHORT in record.values():
        raise RowRefusedError("fewer fields than the header")
    if any(len(value.splitlines()) > 1 for value in record.values()):
        raise RowRefusedError("a field of several lines: a quote that runs over other rows?")
    pattern = clean_pattern(record.get("pattern", ""))
    allowed = mapping.allow(record.get("category", ""))
    zone, formats = mapping.dates.tzinfo, mapping.dates.formats
    expires = clean_moment(record.get("expires", ""), zone=zone, formats=formats, end_of_day=True)
    case, author = record.get("case", "").strip(), record.get("author", "").strip()
    if expires is None or not case or not author:
        raise RowRefusedError("a pattern needs a case, an author and an expiry")
    if not (is_line(case) and is_line(author)):
        raise RowRefusedError("the case or the author has an invisible character")
    if max(len(case), len(author)) > LONGEST_REFERENCE:
        raise RowRefusedError(f"the case or the author has more than {LONGEST_REFERENCE} characters")
    if expires <= at:
        raise RowRefusedError("expired before the list was built")
    priority = record.get("priority", "").strip()
    return PatternEntry(
        pattern=pattern,
        characters=_characters(record.get("characters", ""), pattern),
        category=allowed.category,
        priority=clean_priority(priority) if priority else allowed.priority or mapping.defaults.priority,
        state=mapping.state(record.get("state", "")) or mapping.defaults.state,
        distribution=clean_distribution(record.get("distribution", "")) or allowed.distribution,
        case=case,
        author=author,
        expires=expires,
    )


def _characters(text: str, pattern: str) -> int | None:
    stripped = text.strip()
    if not stripped:
        return None
    count = int(stripped) if stripped.isascii() and stripped.isdigit() else 0
    if not FEWEST_KNOWN <= count <= LONGEST_PLATE:
        raise RowRefusedError(f"the number of characters is not between {FEWEST_KNOWN} and {LONGEST_PLATE}")
    fixed = sum(piece != "*" for piece in pattern)
    if count < fixed or (count > fixed and "*" not in pattern):
        raise RowRefusedError("the pattern cannot have that number of characters")
    return count
