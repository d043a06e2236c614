"""Hot list: package, Bloom filter, fingerprints, patterns: read -> match."""

from device.hotlist.errors import HotListNotStored, HotListRefused, Refusal
from device.hotlist.freshness import Freshness, freshness
from device.hotlist.hotlist import HotList
from device.hotlist.keys import normalise, plate_key
from device.hotlist.match import Alternative, Answer, Match, MatchKind, Query
from device.hotlist.store import HotListStore

__all__ = [
    "Alternative",
    "Answer",
    "Freshness",
    "HotList",
    "HotListNotStored",
    "HotListRefused",
    "HotListStore",
    "Match",
    "MatchKind",
    "Query",
    "Refusal",
    "freshness",
    "normalise",
    "plate_key",
]
