"""All of a post that hears the network, and what must be true of it whatever it hears."""

import base64
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509 import load_der_x509_certificate
from jsonschema import Draft202012Validator

from platepost.device.audit.log import AuditLog
from platepost.device.audit.rate_limit import MOST, WINDOW_SECONDS, RateLimitedAudit
from platepost.device.config import REMOTE_KEYS
from platepost.device.control import ConfigurationStore, Rejection, RemoteConfiguration, SigningKeys
from platepost.device.control.commands import CommandExecutor, Done
from platepost.device.uplink.inbox import Delivery
from platepost.wire.contract.examples import MemoryStore
from platepost.wire.contract.schema import payload_schema
from platepost.wire.records import Command, Envelope, Purpose
from platepost.wire.records.signing import read_key
from tests.device.control.world import GOOD_CLOCK, RUN, SOURCE, World
from tests.fuzz.messages import Forge

COMMAND, CONFIGURATION = (Draft202012Validator(payload_schema(name)) for name in ("command", "configuration"))
PREFIX = "alpr/v1/riverside/post-1"
REASONS = {reason.value for reason in Rejection} | {"unsupported"}


class Listening(RateLimitedAudit):
    """Remembers what it was told."""

    def __init__(self, audit: AuditLog, **more: Any) -> None:
        super().__init__(audit, **more)
        self.reasons: list[str] = []

    def refused(self, action: str, *, reason: str, **more: Any) -> None:
        self.reasons.append(reason)
        super().refused(action, reason=reason, **more)


@dataclass
class Ear:
    """Hears messages; `check` is called after each. State goes on from message to message, as on a post."""

    world: World
    forge: Forge
    done: list[str] = field(default_factory=list)
    sent: list[Envelope] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.store = MemoryStore(RUN)
        logbook = self.world.logbook(self.store)
        self.audit = logbook.rate_limited = Listening(logbook.audit, clock=logbook.clock)
        self.refusals = self.audit.reasons
        base = self.world.base
        assert base.control is not None
        self.base = base
        keys = SigningKeys.fixed(Purpose.CONFIGURATION, read_key(base.control.configuration_key.read_bytes()))
        self.remote = RemoteConfiguration(base, ConfigurationStore(self.world.directory), keys, SOURCE)
        self.remote.start()
        doers = {command: self._doer(command) for command in Command if command != Command.RENEW_CERTIFICATE}
        self.executor = CommandExecutor.of(base.control, logbook, send=self.sent.append, doers=doers)

    def _doer(self, command: Command) -> Any:
        def do() -> Done:
            self.done.append(command.value)
            return Done(picture=b"\xff\xd8" if command is Command.STILL else None)

        return do

    # --- hearing

    def command(self, topic: str, message: bytes, *, response_topic: str | None, retained: bool) -> None:
        """Hear a message on a topic of commands."""
        before, sent = len(self.done), len(self.sent)
        self.executor.receive(
            Delivery(1, 1, 1, f"{PREFIX}/command/{topic}", message, retained=retained, response_topic=response_topic)
        )
        if len(self.done) > before:
            self._allowed_command(topic, message, retained=retained)
            self.outcomes["command done"] += 1
        else:
            self.outcomes[f"command {self._why()}"] += 1
        for envelope in self.sent[sent:]:
            assert envelope.topic.startswith(f"{PREFIX}/response/a-"), envelope.topic
            assert json.loads(envelope.body)["data"].get("reason") in {*REASONS, None}
        self._bounded()

    def _why(self) -> str:
        """Say the last refusal's reason, as it was told."""
        return self.refusals[-1] if self.refusals else "nothing"

    def configuration(self, message: bytes) -> None:
        """Hear a message on the topic of configurations."""
        highest, before = self.remote.kept.highest, self.remote.effective
        self.remote.receive(message, at=self.world.now, clock=GOOD_CLOCK, faults=())
        events = self.remote.take_events()
        pending = self.remote.take_pending()
        for event in events:
            assert event.reason is None or str(event.reason) in REASONS
            assert len(str(event.details.get("message", ""))) <= 1000
        if pending is None:
            assert self.remote.effective == before
            assert self.remote.kept.highest == highest
            self.outcomes[f"configuration {events[0].reason}" if events else "configuration known"] += 1
        else:
            self._allowed_configuration(message, highest)
            assert ConfigurationStore(self.world.directory).read() == self.remote.kept, (
                "what is in force is on the disk"
            )
            self.outcomes["configuration applied"] += 1
            self.forge.highest = self.remote.kept.highest
        self.remote.state().wire()

    # --- judging again, by other means

    def _allowed_command(self, topic: str, message: bytes, *, retained: bool) -> None:
        header, said = self._verified(message)
        certificate = base64.b64decode(header["x5c"][0])
        people = {"technician", "administrator", "operator"}
        (who,) = [name for name in people if self.forge.certificates[name] == certificate]
        assert said["asked_by"] == f"a-{who}"
        assert list(COMMAND.iter_errors(said)) == []
        assert (said["agency"], said["post"], said["command"]) == ("riverside", "post-1", topic)
        assert said.get("boot", RUN) == RUN
        assert who != "operator" or topic == "self-test"
        assert abs(datetime.fromisoformat(said["issued"]) - self.world.now) <= timedelta(seconds=121)
        assert not retained

    def _allowed_configuration(self, message: bytes, highest: int) -> None:
        _, said = self._verified(message)
        assert list(CONFIGURATION.iter_errors(said)) == []
        assert (said["agency"], said["post"]) == ("riverside", "post-1")
        assert said["version"] > highest
        assert {f"{section}.{key}" for section, keys in said["settings"].items() for key in keys} <= REMOTE_KEYS
        effective = self.remote.effective
        assert effective.model_copy(update={name: getattr(self.base, name) for name in self._changeable}) == self.base

    _changeable = ("vision", "passages", "hotlist", "records", "custody")

    def _verified(self, message: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
        """Verify a JWS with nothing but the signature's own definition."""
        head, body, tail = message.split(b".")
        header, said = (json.loads(base64.urlsafe_b64decode(part + b"==")) for part in (head, body))
        raw = base64.urlsafe_b64decode(tail + b"==")
        if "x5c" in header:
            key = load_der_x509_certificate(base64.b64decode(header["x5c"][0])).public_key()
        else:
            key = self.forge.privates["configuration"].public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        signature = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        key.verify(signature, head + b"." + body, ec.ECDSA(hashes.SHA256()))
        return header, said

    def _bounded(self) -> None:
        """Few records, whatever is heard: those of what was done, and a bounded number of refusals a window."""
        said = [json.loads(record.body)["data"] for record in self.store.records]
        refusals = Counter(data["reason"] for data in said if data["outcome"] == "refused")
        windows = 1 + self.world.steady / WINDOW_SECONDS
        assert all(count <= windows * 2 * MOST for count in refusals.values())

    def forget(self) -> None:
        """Let a day go by: limits of frequency begin again, and a window of refusals ends."""
        self.world.now += timedelta(hours=2)
        self.audit.flush()
        self.store.records.clear()
        self.sent.clear()
        self.done.clear()


def ear(world: World, forge: Forge) -> Ear:
    """Make one, at a time when every certificate has begun."""
    world.now = datetime.now(UTC)
    return Ear(world, forge)


FOLDER = Path(__file__).parent
