"""The fields of a read by which people search, each declared once.

From this table come what the archive keeps in a column, the conditions of a search, the fields of its form, the options
of `platepost department search`, and what the pages, evidence packages and partner departments show of a read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from django.utils.translation import gettext_lazy as _

from platepost.wire.records.regions import REGIONS
from platepost.wire.records.vehicles import COLORS, KINDS

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

LONGEST_VALUE = 64
"""Characters of a value that a search gives."""
_UNKNOWN: Final = _("unknown")
LabelAndText: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ReadField:
    """A searchable field of a read."""

    name: str
    """Of the column of reads, a text; in a form, as an option, and in a query in the ledger, too."""
    label: "_StrOrPromise"
    """In a form, and over the value where it is shown."""
    help: str
    """Of the option."""
    source: tuple[str, ...]
    """Where a read's record has it, within `data`."""
    choices: Mapping[str, "_StrOrPromise"] = field(default_factory=dict)
    """The values that there are, and what people see of each; any text if empty."""
    several: bool = False
    """Whether a read may have several values, such as colors: a search finds it by any of them. They stand in the
    column with spaces between."""
    absent: "_StrOrPromise" = _UNKNOWN
    """What people see of a read without a value."""
    shared: bool = True
    """Whether partner departments get it."""

    def value_in(self, data: object) -> str | None:
        """Return the text for the column, given the `data` of a record: a model, or JSON values of any shape."""
        value = data
        for name in self.source:
            if value is None:
                return None
            value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
        if value is None or isinstance(value, str):
            return value
        return " ".join(map(str, value)) or None if isinstance(value, (list, tuple)) else None

    def values_in(self, row: Mapping[str, str | None]) -> list[str]:
        """Return the values that a row has: none, one, or several."""
        text = row.get(self.name)
        return (text.split() if self.several else [text]) if text else []

    def shown(self, row: Mapping[str, str | None]) -> str:
        """Return what people see of a row's value."""
        return str(_(" or ")).join(str(self.choices.get(value, value)) for value in self.values_in(row)) or str(
            self.absent
        )


_DIRECTIONS: Final = {
    "approaching": _("approaching"),
    "receding": _("receding"),
    "unknown": _("unknown"),
}
_FIELDS: Final = (
    ReadField("direction", _("Direction"), "Direction of travel.", ("direction",), _DIRECTIONS),
    ReadField("lane", _("Lane"), "Lane, by the post's name for it.", ("lane",), absent="", shared=False),
    ReadField(
        "region",
        _("Issuing state"),
        "Issuing state, such as US-CA, or other.",
        ("region",),
        {region: region.removeprefix("US-") for region in REGIONS},
    ),
    ReadField("vehicle", _("Vehicle"), "Kind of vehicle.", ("vehicle", "kind"), {kind: kind for kind in KINDS}),
    ReadField(
        "color",
        _("Color"),
        "Color that it may have.",
        ("vehicle", "colors"),
        {color: color for color in COLORS},
        several=True,
    ),
)
"""In the order of the columns, which are the last ones of the table of reads: add a new field at the end."""
READ_FIELDS: Final = {field.name: field for field in _FIELDS}
"""The fields by name."""


def shown_vehicle(row: Mapping[str, Any]) -> str:
    """Return what people see of a row's vehicle: its color and kind, as far as they are known."""
    return " ".join(READ_FIELDS[name].shown(row) for name in ("color", "vehicle") if row[name])


def shown_fields(row: Mapping[str, str | None]) -> list[LabelAndText]:
    """Return what people see of a row's fields, each with its label."""
    return [(str(field.label), field.shown(row)) for field in _FIELDS]
