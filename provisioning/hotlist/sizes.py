"""The sizes of the lists before, which each manifest carries on from the one before it.

A post compares a list with its own last one. If it was away when the size jumped for a reason, only this history tells
it so: the reason itself stands in the one manifest that made the jump.
"""

from platepost.wire.hotlist.manifest import LONGEST_HISTORY, FormerSize, Manifest

NEAR = 0.05
"""Share within which a size is no step of its own: of hourly deltas, too, the history reaches back for weeks.

A post that has a list which is left out sees steps of at most twice this, far from what posts refuse.
"""


def sizes_after(previous: Manifest) -> tuple[FormerSize, ...]:
    """Return what the manifest that follows `previous` says of the sizes before it, the oldest first."""
    last = FormerSize(version=previous.version, entries=previous.entries, explained=previous.size_override is not None)
    sizes = [*(previous.sizes or ()), last]
    if len(sizes) > 2 and all(_is_near(sizes[-3], later) for later in sizes[-2:]):
        del sizes[-2]
    return tuple(sizes[-LONGEST_HISTORY:])


def _is_near(one: FormerSize, other: FormerSize) -> bool:
    return abs(other.entries - one.entries) <= NEAR * one.entries
