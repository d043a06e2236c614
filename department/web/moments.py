"""How pages show days and times: as Americans write them, in the department's time zone.

Each template has these filters: `|day` (Dec 1, 2026), `|minute` (Dec 1, 2026, 5:47 AM PST), and `|second`. `|date`
takes the place of Django's, which leaves out the zone's name in the hour that comes twice when daylight saving time
ends, where it alone shows which of the two is meant.
"""

from datetime import date, datetime

from django.template import Library
from django.utils.dateformat import DateFormat
from django.utils.formats import get_format
from django.utils.timezone import localtime

register = Library()
_DAY = "M j, Y"
_MINUTE, _SECOND = f"{_DAY}, g:i A T", f"{_DAY}, g:i:s A T"


@register.filter("date")
def date_text(moment: object, form: str = "DATE_FORMAT") -> str:
    """Return a date, or a time in the department's zone; nothing for what is neither.

    Args:
        moment: a date, or a time with its zone.
        form: Django's letters (`T` is the zone's name, in every hour), or the name of one of its formats.

    """
    if not isinstance(moment, date):
        return ""
    text = DateFormat(localtime(moment) if isinstance(moment, datetime) else moment)
    if isinstance(text.data, datetime):
        text.timezone = text.data.tzinfo  # None in the hour that comes twice
    return text.format(get_format(form))


@register.filter
def day(moment: object) -> str:
    """Return the day of a date or time."""
    return date_text(moment, _DAY)


@register.filter
def minute(moment: object) -> str:
    """Return a time to the minute."""
    return date_text(moment, _MINUTE)


@register.filter
def second(moment: object) -> str:
    """Return a time to the second."""
    return date_text(moment, _SECOND)
