"""Those who sign statements about keys: the department, its root, a thief."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from platepost.device.audit.log import AuditEvent
from platepost.device.control import SigningKeys
from platepost.device.control.keys.store import KeyStore
from platepost.wire.jose import sign
from platepost.wire.keys.statement import Key
from platepost.wire.records import KEYS_TYPE, KeyState, Purpose

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def new() -> ECKey:
    return ECKey.generate_key("P-256")


def pem(key: ECKey) -> str:
    return key.as_pem(private=False).decode()


def named(key: ECKey, **more: Any) -> dict[str, Any]:
    return {"thumbprint": key.thumbprint(), "public_key": pem(key), **more}


@dataclass
class Clerk:
    """Keys by their names, and one post's belief in them."""

    directory: Path
    root: ECKey = field(default_factory=new)
    keys: dict[str, ECKey] = field(default_factory=dict)

    def key(self, name: str) -> ECKey:
        return self.root if name == "root" else self.keys.setdefault(name, new())

    def post(self, given: str = "first") -> SigningKeys:
        """Start the post's software, as far as its keys go."""
        made = SigningKeys(
            Purpose.LISTS,
            Key.of(pem(self.key(given))),
            agency="riverside",
            roots=(Key.of(pem(self.root)),),
            store=KeyStore(self.directory, Purpose.LISTS),
        )
        made.load()
        return made

    def payload(self, present: str, *former: str, number: int = 1, era: int = 0, **changes: Any) -> bytes:
        said = {
            "purpose": "lists",
            "agency": "riverside",
            "era": era,
            "number": number,
            "issued": "2026-03-01T11:00:00.000Z",
            "who": "j-stone",
            "key": named(self.key(present)),
            "former": [named(self.key(name)) for name in former],
            "withdrawn": "retired",
        }
        return json.dumps(said | changes).encode()

    def say(self, by: str, present: str, *former: str, typ: str = KEYS_TYPE, **changes: Any) -> bytes:
        """Sign a statement: `present` is in force, `former` are accepted."""
        return sign(self.payload(present, *former, **changes), self.key(by), typ=typ)

    def names(self, keys: tuple[ECKey, ...]) -> set[str]:
        by_thumbprint = {key.thumbprint(): name for name, key in self.keys.items()}
        return {by_thumbprint[key.thumbprint()] for key in keys}


def receive(keys: SigningKeys, *lines: bytes, at: datetime = NOW) -> tuple[AuditEvent, ...]:
    """Hear a message; return what is audited."""
    keys.receive(b"\n".join(lines), at=at)
    return keys.take_events()


def state(keys: SigningKeys, at: datetime = NOW) -> KeyState:
    return keys.state(at)
