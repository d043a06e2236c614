"""Records as newer software would make them."""

from collections.abc import Iterable
from typing import Any

from platepost.wire.contract.examples import ExampleSigner, example_records
from platepost.wire.records.canonical import canonical_bytes, digest_of, dump

SIGNER = ExampleSigner()
EXAMPLES = {name: envelope.event for name, envelope in example_records(SIGNER).items()}
CHAIN = "01890a5d-ac96-774b-bcce-b302099a8057"
KIND = "platepost.weather.v1"
"""A type that this version does not know."""

MAPS = frozenset({"inference", "camera_recoveries", "details"})
"""Members whose objects have names of their own in them: one more is nothing that only newer software would say."""


def with_more(part: Any) -> Any:
    """Add a member to every object that is in it."""
    if isinstance(part, list):
        return [with_more(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {name: one if name in MAPS else with_more(one) for name, one in part.items()} | {"newer": {"than": "this"}}


def signed(event: dict[str, Any], signer: ExampleSigner = SIGNER) -> bytes:
    """Sign an event as it is."""
    bare = {name: value for name, value in event.items() if name != "signature"}
    return dump(bare | {"signature": signer.sign(canonical_bytes(bare))})


def chained(events: Iterable[dict[str, Any]], signer: ExampleSigner = SIGNER) -> list[bytes]:
    """Put events into a chain, in their order."""
    previous, lines = "0" * 64, []
    for number, event in enumerate(events, start=1):
        here = event | {"chain": CHAIN, "sequence": number, "previous": previous}
        previous = digest_of(canonical_bytes(here))
        lines.append(signed(here, signer))
    return lines


def unknown(number: int = 1) -> dict[str, Any]:
    """Return an event of that type."""
    return EXAMPLES["audit"] | {
        "id": f"01890a5d-ac96-774b-bcce-{number:012x}",
        "type": KIND,
        "data": {"wind": {"metres_per_second": 4.5}, "rain": True},
    }


def history() -> list[bytes]:
    """Return a chain with today's kinds, all with more in them, and one kind that no one knows."""
    known = [with_more(EXAMPLES[name]) for name in ("audit", "status", "read", "hit", "hit.withdrawn")]
    same = {"time": EXAMPLES["hit"]["time"]}
    return chained(event | same for event in [*known, unknown()])
