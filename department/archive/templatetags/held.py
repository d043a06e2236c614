"""Which reads of a page are held, for people who may place holds."""

from collections.abc import Mapping, Sequence

from django.template import Context, Library

from platepost.department.archive.holds import holds_of
from platepost.department.archive.models import Hold
from platepost.department.custody.reading import ShownRow
from platepost.department.people.rights import Permission

register = Library()


@register.simple_tag(takes_context=True)
def holds_of_reads(context: Context, reads: Sequence[ShownRow]) -> Mapping[int, Sequence[Hold]]:
    """Return the holds in force by the records that they keep."""
    request = context["request"]
    return holds_of(reads) if request.authorization.may(Permission.PLACE_HOLD) else {}


@register.simple_tag(takes_context=True)
def holds_of_read(context: Context, read: ShownRow) -> Sequence[Hold]:
    """Return the holds in force that keep a read."""
    return holds_of_reads(context, [read]).get(read["record_id"], ())
