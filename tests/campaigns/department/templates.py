"""Records by the hundred thousand: what a light post once made, with the members that always differ left open.

Filling one in takes some microseconds; recording one takes most of a millisecond.
"""

import re
from collections.abc import Mapping
from random import Random
from typing import Any

from joserfc.jwk import ECKey

from platepost.simulator.ground.light_post import LightPost
from platepost.simulator.ground.memory_outbox import MemoryOutbox
from platepost.simulator.ground.passages import CATEGORIES, SeenVehicle, plate
from platepost.wire.records import Place, RecordData, Recorder, Signer, Source
from platepost.wire.records.canonical import canonical_bytes, dump, parse, without_pictures

OPEN = frozenset({"id", "source", "time", "expirytime", "chain", "previous"})
"""Members of an event that always differ."""
OPEN_DATA = frozenset({"passage", "captured", "first_seen", "last_seen", "hit", "occurred", "since", "boot"})
"""Members of its data that do."""
SEQUENCE = 2**53 - 1
"""Stands where the sequence number goes: no post comes to it."""
UNKNOWN_TYPE = "platepost.weather.v1"
COVERT = 8
"""Vehicles that covert hits are of."""
_HOLE = re.compile(rf'(?<=")@([a-z_]+)@(?=")|({SEQUENCE})')


class RecordTemplate:
    """One kind of record, of whichever post.

    Args:
        event: the record as it was once made.
        topic: its topic below its post.

    """

    def __init__(self, event: Mapping[str, Any], *, topic: str) -> None:
        self.topic = topic
        self.type: str = event["type"]
        data = {name: f"@{name}@" if name in OPEN_DATA else value for name, value in event["data"].items()}
        opened = {name: f"@{name}@" if name in OPEN else value for name, value in event.items() if name != "signature"}
        opened |= {"sequence": SEQUENCE, "data": data}
        self.illustrated = bool(data.get("pictures"))
        self._canonical = _Gaps(canonical_bytes(opened))
        self._whole = _Gaps(dump(opened))
        self._bare = _Gaps(dump(without_pictures(opened)))

    def canonical(self, values: Mapping[str, str]) -> bytes:
        """Return the bytes that signature and chain cover."""
        return self._canonical.filled(values)

    def body(self, values: Mapping[str, str], signature: str, *, pictures: bool = True) -> bytes:
        """Return what goes on the wire, with or without the bytes of its pictures."""
        shown = self._whole if pictures else self._bare
        return shown.filled(values)[:-1] + f',"signature":"{signature}"}}'.encode("ascii")


class _Gaps:
    """A text with named gaps."""

    def __init__(self, text: bytes) -> None:
        parts = _HOLE.split(text.decode())
        # Each gap gives two groups, of which one is None.
        self._texts = parts[::3]
        self._names = [name or "sequence" for name in parts[1::3]]

    def filled(self, values: Mapping[str, str]) -> bytes:
        pieces = [self._texts[0]]
        for name, text in zip(self._names, self._texts[1:], strict=True):
            pieces += (values[name], text)
        return "".join(pieces).encode()


class TemplateSet:
    """Templates of every kind that the posts send.

    Args:
        seed: what the vehicles depend on.
        vehicles: how many there are.
        group: the distribution group of covert hits.

    """

    def __init__(self, *, seed: int, vehicles: int, group: str) -> None:
        draw = Random(seed)
        self.group = group
        self._source = Source("template", "template")
        self._recorder = Recorder(MemoryOutbox(), Signer(ECKey.generate_key("P-256")), self._source)
        post = LightPost(self._recorder, place=Place(site="Market Street, northbound"))
        seen = [SeenVehicle(plate(draw), draw) for _ in range(vehicles)]
        hits = [post.hit(vehicle, category=draw.choice(CATEGORIES)) for vehicle in seen]
        self.reads = tuple(self._template(post.read(vehicle)) for vehicle in seen)
        self.hits = tuple(self._template(hit) for hit in hits)
        self.covert = tuple(self._template(hit, group=group) for hit in hits[:COVERT])
        self.others = (self._template(post.status()), self._template(post.event("door_opened")))
        self.unknown = self._template(post.read(seen[0]), type_=UNKNOWN_TYPE)

    def _template(self, data: RecordData, *, group: str | None = None, type_: str | None = None) -> RecordTemplate:
        envelope = self._recorder.record(data)
        event, topic = parse(envelope.body), envelope.topic.removeprefix(self._source.topic(""))
        if type_ is not None:
            event["type"] = type_
        if group is not None:
            event["data"]["distribution"], topic = group, f"covert/{group}"
        return RecordTemplate(event, topic=topic)
