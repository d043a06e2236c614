"""Hot list: package, Bloom filter, fingerprints, patterns: read -> match."""

from device.hotlist.errors import HotListNotStored, HotListRefused, RefusalReason
from device.hotlist.hotlist import HotList
from device.hotlist.keys import normalize, plate_key
from device.hotlist.match import Candidate, LookUpResult, Match, MatchKind, Query
from device.hotlist.store import HotListStore

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
