"""Hot list: package, Bloom filter, fingerprints, patterns: read -> match."""

from platepost.wire.hotlist.errors import HotListNotStored, HotListRefused, RefusalReason
from platepost.wire.hotlist.hotlist import HotList
from platepost.wire.hotlist.keys import normalize, plate_key
from platepost.wire.hotlist.match import Candidate, LookUpResult, Match, MatchKind, Query
from platepost.wire.hotlist.store import HotListStore

__all__ = [
    "Candidate",
    "HotList",
    "HotListNotStored",
    "HotListRefused",
    "HotListStore",
    "LookUpResult",
    "Match",
    "MatchKind",
    "Query",
    "RefusalReason",
    "normalize",
    "plate_key",
]
