"""Who records, and how records are signed: the tables `post` and `records` of the configuration."""

import math
from pathlib import Path
from typing import Annotated

from pydantic import Field

from platepost.common.secrets.credentials import PRIVATE
from platepost.common.settings import KeyPath, Name, Remote, RemoteBounds, Section
from platepost.wire.records.base import Line
from platepost.wire.records.parts import Place
from platepost.wire.records.topics import Source

LARGEST_PATCH = 65_536
"""Bytes of the largest picture of a plate that can be configured."""
LARGEST_OVERVIEW = 262_144
"""The same of a vehicle. Brokers are made to take records with two such pictures
(`platepost.provisioning.brokers.mosquitto`)."""


LARGEST_TEXT = 65_536
"""Bytes of a record beside its pictures: some 3,000 of a hit. What posts are told ends here too (`control.jose`)."""
LARGEST_RECORD = sum(-(-size // 3) * 4 for size in (LARGEST_PATCH, LARGEST_OVERVIEW)) + LARGEST_TEXT
"""Bytes of the largest legal record: both pictures in base64, four bytes for three."""


class PostIdentity(Section):
    """Which post this is and where it stands."""

    agency: Name = Field(description="The department's name in topics.")
    name: Name = Field(description="The post's name in topics and in its certificate.")
    site: Annotated[str, Line] = Field(default="", description="Where it stands, in words.")
    latitude: float | None = Field(default=None, ge=-90, le=90, description="Degrees north, WGS 84.")
    longitude: float | None = Field(default=None, ge=-180, le=180, description="Degrees east, WGS 84.")
    heading_degrees: float | None = Field(default=None, ge=0, lt=360, description="Where it looks, from north.")

    @property
    def source(self) -> Source:
        """The post as records name it."""
        return Source(self.agency, self.name)

    @property
    def place(self) -> Place:
        """Where the post stands, as records say it."""
        return Place(
            site=self.site or None,
            latitude=self.latitude,
            longitude=self.longitude,
            heading_degrees=self.heading_degrees,
        )


class RecordSettings(Section):
    """How records are signed, and which pictures they carry."""

    signing_key: KeyPath = Field(description="PEM of this post's private signing key, ES256.")
    former_signing_key: Annotated[Path | None, PRIVATE] = Field(
        default=None,
        description="PEM of the private signing key before, which vouches for this one in the chain; delete it after.",
    )
    hits_only: Remote[bool] = Field(
        default=False, description="Whether a read without a hit stays on the post, which only counts it."
    )
    read_patch: Remote[bool] = Field(
        default=True, description="Whether reads without a hit carry the picture of the plate."
    )
    read_overview: Remote[bool] = Field(default=False, description="Whether they carry the picture of the vehicle.")
    patch_bytes: Remote[int] = Field(default=3072, ge=512, le=LARGEST_PATCH, description="Largest picture of a plate.")
    overview_bytes: Remote[int] = Field(
        default=25600, ge=2048, le=LARGEST_OVERVIEW, description="Largest picture of a vehicle."
    )
    health_seconds: Annotated[Remote[float], RemoteBounds(most=600)] = Field(
        default=60, ge=1, le=3600, description="How often health is published."
    )

    status_seconds: Remote[float] = Field(
        default=300,
        ge=60,
        le=3600,
        description="How often the status is repeated; one that is older than twice as long is no longer believed.",
    )

    @property
    def status_valid_seconds(self) -> int:
        """How long a status is good for: one repeat may be lost, and a minute passes for delivery and for clocks."""
        return math.ceil(2 * self.status_seconds) + 60

    @property
    def key_files(self) -> tuple[Path, ...]:
        """The signing key and, as long as its file is there, the former one."""
        former = self.former_signing_key
        return (self.signing_key, former) if former is not None and former.exists() else (self.signing_key,)
