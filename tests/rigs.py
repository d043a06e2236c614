"""What tests of a whole post have in common: its configuration, the post in a thread of its own, and its records."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from platepost.common.errors import OutboxError
from platepost.device.config import parse
from platepost.device.outbox.database import read_key_file
from platepost.device.outbox.outbox import Outbox
from platepost.device.part import Part
from platepost.device.post import Account, Post
from platepost.device.rig import Rig
from platepost.device.uplink.inbox import Handler
from platepost.device.uplink.settings import UplinkSettings, UplinkTiming
from platepost.device.uplink.uplink import Uplink
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.wire.hotlist.settings import HotListSettings
from platepost.wire.records import Envelope, Keyring
from platepost.wire.verify.verify import Verifier

Kind = TypeVar("Kind", bound=Part)

SECONDS = 60.0
"""How long anything is waited for."""


def post_table(name: str = "post-1", *, without_list: bool = True, **sections: Any) -> dict[str, Any]:
    """Return what a post is told, with `sections` besides: its folder is of `Fleet.add_post`, no broker is reached."""
    return {
        "post": {"agency": "demo", "name": name},
        "hotlist": {
            "directory": "state/hotlist",
            "issuer_key": "issuer_key.pem",
            "unseal_key": "unseal_key.pem",
            "in_service_without_list": without_list,
        },
        "records": {"signing_key": "signing_key.pem"},
        "outbox": {"path": "state/outbox.db", "key_file": "outbox.key"},
        "uplink": {
            "brokers": ["localhost:1"],
            "ca": "ca.pem",
            "certificate": "certificate.pem",
            "private_key": "private_key.pem",
            "drain_seconds": 0,
        },
    } | sections


def hotlist_settings(**keys: Any) -> HotListSettings:
    """Return the settings of a hot list that has no files."""
    files = {"directory": Path("lists"), "issuer_key": Path("issuer.pem"), "unseal_key": Path("key.pem")}
    return HotListSettings(**files | keys)


def uplink_arguments(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an uplink of a post is made with: `values` are keys of its settings, or of its timing."""
    timing = {field.name: values[field.name] for field in fields(UplinkTiming) if field.name in values}
    told = {key: value for key, value in values.items() if key not in timing}
    return {"settings": UplinkSettings(**told), "client_id": name, "timing": UplinkTiming(**timing)}


def records_in(folder: Path) -> list[dict[str, Any]]:
    """Return what waits in the outbox of a post that has ended, in the order of the chain."""
    with Outbox(folder / "state" / "outbox.db", key=read_key_file(folder / "outbox.key")) as outbox:
        return chain_of(outbox)


def chain_of(outbox: Outbox) -> list[dict[str, Any]]:
    """Return what waits in an outbox, in the order of the chain."""
    return [e.event for e in sorted(outbox.next(2000), key=lambda e: e.sequence or 0)]


def part_of(post: Post, kind: type[Kind]) -> Kind:
    """Return the one part of a kind."""
    (part,) = [part for part in post._parts if isinstance(part, kind)]
    return part


class Running:
    """One post of a new fleet, not started yet, and what it said so far."""

    def __init__(self, tmp_path: Path, *, rig: Rig | None = None, **sections: Any) -> None:
        fleet = Fleet.create(tmp_path / "fleet", agency="demo", broker_names=("localhost",))
        self.folder = fleet.add_post("post-1", PostSettings(brokers=("localhost:1",)))
        self.key = fleet.record_key("post-1")
        self.account: Account | None = None
        self.post = Post(parse(post_table(**sections), folder=self.folder), rig=rig)
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self.account = self.post.run()

    def stop(self) -> None:
        self.post.stop()
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()

    def records(self) -> list[dict[str, Any]]:
        with suppress(OutboxError):
            return chain_of(self.post._logbook.outbox)
        return records_in(self.folder)

    def audits(self, action: str) -> list[dict[str, Any]]:
        said = [e["data"] for e in self.records() if e["type"] == "platepost.audit.v1"]
        return [data for data in said if data["action"] == action]

    def present(self) -> set[str]:
        """What the last status names; `nothing said` before the first."""
        statuses = [e["data"] for e in self.records() if e["type"] == "platepost.status.v1"]
        return {reason["name"] for reason in statuses[-1].get("reasons", ())} if statuses else {"nothing said"}

    def prove_whole(self) -> None:
        """Nothing of the chain is missing."""
        self.stop()
        report = Verifier(Keyring.from_files(self.key), whole=True).feed_all(self.records())
        assert report.intact, report.problems


def make_uplink(
    outbox: Outbox,
    arguments: dict[str, Any],
    *,
    will: Callable[[], Envelope],
    on_connected: Callable[[], object] | None = None,
    subscriptions: Mapping[str, Handler] | None = None,
) -> Uplink:
    """Return an uplink, not yet started, with what a test has it say and listen to."""
    uplink = Uplink(outbox=outbox, **arguments)
    uplink.will, uplink.on_connected = will, on_connected
    for topic, handler in (subscriptions or {}).items():
        uplink.subscribe(topic, handler)
    return uplink
