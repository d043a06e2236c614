"""Names of records on the wire, as the judges use them."""

from platepost.wire.hotlist.keys import plate_key
from platepost.wire.records import TYPES, Audit, Hit, HitWithdrawn, Read, Status

READ, HIT, WITHDRAWN, STATUS, AUDIT = (TYPES[kind] for kind in (Read, Hit, HitWithdrawn, Status, Audit))


def same_plate(one: str, other: str) -> bool:
    """Whether two texts are the same to the hot list: O and 0, I and 1 share a key."""
    return plate_key(one) == plate_key(other)


def kind_of(kind: str) -> str:
    """Return the plain name of a record's type: `platepost.hit.v1` is `hit`."""
    return kind.removeprefix("platepost.").removesuffix(".v1")
