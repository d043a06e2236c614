"""Hot list: package, Bloom filter, fingerprints, patterns: read -> match."""

from device.hotlist.errors import HotListNotStored, HotListRefused, Refusal
from device.hotlist.freshness import Freshness, FreshnessLimits, freshness
from device.hotlist.hotlist import HotList, Match, MatchKind
from device.hotlist.keys import normalise, plate_key
from device.hotlist.store import HotListStore

__all__ = [
    "Freshness",
    "FreshnessLimits",
    "HotList",
    "HotListNotStored",
    "HotListRefused",
    "HotListStore",
    "Match",
    "MatchKind",
    "Refusal",
    "freshness",
    "normalise",
    "plate_key",
]
