"""The mapping file: which column of an export holds what, and which categories a department allows.

::

    [source]                          see platepost.provisioning.hotlist.form
    delimiter = ";"

    [columns]
    plate = "LIC"
    category = "TYPE"

    [defaults]
    state = "CA"

    [dates]
    zone = "America/Los_Angeles"
    formats = ["%m/%d/%Y"]
    never = ["99999999"]

    [states]                          what the source calls them, where that is not two or three letters
    "CALIFORNIA" = "CA"

    [categories]
    "STOLEN VEH" = { category = "stolen_vehicle", priority = 2 }
    "FELONY" = { category = "felony_vehicle", priority = 1 }
    "NARC" = { category = "local", distribution = "narcotics" }    covert: only that group hears of a match

The category allow-list is the law's place: a source may hold what a state forbids to act on, so what is not named here
is refused row by row.
"""

import re
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, ValidationError, model_validator

from platepost.common.files import read_toml
from platepost.provisioning.hotlist.cleaning import clean_state, has_time
from platepost.provisioning.hotlist.form import ColumnMapping, FileFormat, MappingTable, check_form
from platepost.provisioning.hotlist.rows import RowRefusedError, SourceError
from platepost.wire.hotlist.layout import Category, Distribution, Priority, State


def _zone(name: str) -> tzinfo:
    # UTC needs no time-zone database, which a small machine may lack.
    return UTC if name == "UTC" else ZoneInfo(name)


def _known_zone(name: str) -> str:
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # such as of 'US', a folder of zones
        raise ValueError(f"no time zone {name!r}") from error
    return name


def _readable_format(pattern: str) -> str:
    if "%Z" in pattern:
        raise ValueError(f"{pattern!r}: %Z (the name of a zone) is not supported; use %z for an offset, or `zone`")
    if "%z" in pattern and not has_time(pattern):
        raise ValueError(f"{pattern!r}: an offset needs a time of day")
    if ("%p" in pattern) is not ("%I" in pattern):  # with %H, strptime reads %p and does not heed it
        raise ValueError(f"{pattern!r}: use %I with %p, or %H alone")
    trial = datetime(2026, 6, 17, 22, tzinfo=UTC)
    try:
        parsed = datetime.strptime(trial.strftime(pattern), pattern)  # noqa: DTZ007 - a trial
    except (ValueError, re.error) as error:
        raise ValueError(f"{pattern!r} is not a date format: {error}") from error
    if parsed.date() != trial.date():
        raise ValueError(f"{pattern!r}: a date needs a year, a month, and a day")
    return pattern


class Defaults(MappingTable):
    """What an empty or missing field means."""

    state: State | None = None
    category: str | None = None
    priority: Priority = 5


class Dates(MappingTable):
    """How dates are written: ISO 8601 always, other strptime formats first; `never` are words for no date at all."""

    zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    formats: tuple[Annotated[str, AfterValidator(_readable_format)], ...] = ()
    never: frozenset[str] = frozenset()

    @property
    def tzinfo(self) -> tzinfo:
        """The zone that dates and times without one are in."""
        return _zone(self.zone)


class AllowedCategory(MappingTable):
    """What one of the source's category names becomes."""

    category: Category
    priority: Priority | None = None
    distribution: Distribution | None = None


DEFAULT_CATEGORIES: dict[str, AllowedCategory | str] = {
    name: AllowedCategory(category=name, priority=priority)
    for name, priority in {
        "amber_alert": 1,
        "felony_vehicle": 1,
        "homeland_security": 1,
        "missing_person": 1,
        "wanted_person": 2,
        "stolen_vehicle": 2,
        "bolo": 3,
        "protection_order": 3,
        "stolen_plate": 3,
        "suspect_interdiction": 3,
        "stolen_property": 4,
        "electronic_surveillance": 5,
        "local": 5,
        "acceptance_test": 9,
    }.items()
}
"""What policies for fixed cameras name, and `bolo`, be on the look-out: a department's own. Most urgent first."""


NCIC_STATES = {"NB": "NE"}
"""Letters by which NCIC's files name a state, where they are not the Postal Service's: Nebraska alone."""
NOT_ALLOWED = "is not on the allow-list"
"""How the reason ends with which a category is refused."""


class SourceMapping(MappingTable):
    """One source's mapping; the defaults fit a file with the columns plate, state, category, priority, ..."""

    source: FileFormat = FileFormat()
    columns: ColumnMapping = ColumnMapping()
    defaults: Defaults = Defaults()
    dates: Dates = Dates()
    states: dict[str, State] = Field(default_factory=dict)
    categories: dict[str, AllowedCategory | Category] = Field(default_factory=lambda: dict(DEFAULT_CATEGORIES))

    @model_validator(mode="after")
    def _places_fit_the_form(self) -> Self:
        check_form(self.source, self.columns)
        return self

    def allow(self, name: str) -> AllowedCategory:
        """Return what a source's category name becomes. Raises RowRefusedError if it is not on the allow-list."""
        name = name.strip() or self.defaults.category or ""
        if not name:
            raise RowRefusedError("no category")
        allowed = self.categories.get(name)
        if allowed is None:
            raise RowRefusedError(f"category {name[:40]!r} {NOT_ALLOWED}")
        return AllowedCategory(category=allowed) if isinstance(allowed, str) else allowed

    def state(self, name: str) -> str | None:
        """Return the letters of what a source calls a state, None for an empty field. Raises RowRefusedError."""
        name = name.strip()
        return clean_state(self.states.get(name) or NCIC_STATES.get(name.upper(), name))


SAFE = SourceMapping(
    defaults=Defaults(category="safe", priority=9), categories={"safe": AllowedCategory(category="safe", priority=9)}
)
"""How a file of the department's own vehicles is read: CSV with a column of plates, and others where they are."""


def load_mapping(path: Path) -> SourceMapping:
    """Read a mapping file. Raises SourceError that names the key and what is wrong with it."""
    try:
        return SourceMapping.model_validate(read_toml(path))
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise SourceError(f"{path}: {problems}") from error
    except ValueError as error:
        raise SourceError(f"{path}: not TOML: {error}") from error
