"""How pages show days and times: as Americans write them, in the department's time zone.

Each template has these filters: `|day` (Dec 1, 2026), `|minute` (Dec 1, 2026, 5:47 AM PST), and `|second`.
"""

from datetime import date, datetime

from django.template import Library
from django.utils.formats import date_format
from django.utils.timezone import localtime

register = Library()
_DAY = "M j, Y"
_MINUTE, _SECOND = f"{_DAY}, g:i A T", f"{_DAY}, g:i:s A T"


def _shown(moment: object, form: str) -> str:
    """Return a date, or a time in the department's zone; nothing for what is neither."""
    if not isinstance(moment, date):
        return ""
    return date_format(localtime(moment) if isinstance(moment, datetime) else moment, form)


@register.filter
def day(moment: object) -> str:
    """Return the day of a date or time."""
    return _shown(moment, _DAY)


@register.filter
def minute(moment: object) -> str:
    """Return a time to the minute."""
    return _shown(moment, _MINUTE)


@register.filter
def second(moment: object) -> str:
    """Return a time to the second."""
    return _shown(moment, _SECOND)
