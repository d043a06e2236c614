from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from device.hotlist import HotList, HotListStore
from device.hotlist.layout import PatternEntry
from device.hotlist.package import load_key, open_package
from provisioning.hotlist import HotListRow, build_package
from provisioning.keys import new_key, private_pem, public_pem


class Department:
    """An issuer with one post, and packages from it; every plate is invented."""

    built = datetime(2026, 11, 1, 12, tzinfo=UTC)
    rows = (
        HotListRow("7ABC123", "stolen_vehicle", 2, "CA", None, "NCIC-1"),
        HotListRow("8ODE456", "stolen_plate", 3, "CA", built + timedelta(hours=6), None),
        HotListRow("1291164", "local", 5, None, None, "EX-9"),
    )

    def __init__(self) -> None:
        issuer, post = new_key(), new_key()
        self.signing_key, self.issuer_key = private_pem(issuer), public_pem(issuer)
        self.unseal_key, self.post_key = private_pem(post), public_pem(post)

    def pattern(self, pattern: str, **members: Any) -> PatternEntry:  # noqa: ANN401
        defaults = {"category": "felony_vehicle", "priority": 1, "case": "C-1", "author": "Sample"}
        return PatternEntry(pattern=pattern, **(defaults | {"expires": self.built + timedelta(days=2)} | members))

    def package(self, rows: Sequence[HotListRow] | None = None, *, version: int = 1, **facts: Any) -> bytes:  # noqa: ANN401
        settings = {"agency": "demo", "issuer": "Demo", "built": self.built, "post_keys": [self.post_key]} | facts
        return build_package(
            self.rows if rows is None else rows, version=version, signing_key=self.signing_key, **settings
        )

    def hotlist(self, rows: Sequence[HotListRow] | None = None, **facts: Any) -> HotList:  # noqa: ANN401
        issuer_key, unseal_key = load_key(self.issuer_key, private=False), load_key(self.unseal_key, private=True)
        return HotList(open_package(self.package(rows, **facts), issuer_key=issuer_key, unseal_key=unseal_key))

    def store(self, directory: Path, **settings: Any) -> HotListStore:  # noqa: ANN401
        keys = {"agency": "demo", "issuer_key": self.issuer_key, "unseal_key": self.unseal_key}
        return HotListStore(directory, **(keys | settings))
