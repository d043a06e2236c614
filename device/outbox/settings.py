"""The table `outbox` of the configuration."""

from pathlib import Path

from pydantic import Field

from platepost.common.settings import KeyPath, Section


class OutboxSettings(Section):
    """Where records wait until the broker has them."""

    path: Path = Field(description="The encrypted database.")
    key_file: KeyPath = Field(description="File with its key, 32 bytes or 64 hexadecimal digits; not next to the data.")
    quota_megabytes: float = Field(
        default=1024,
        gt=0,
        le=10_000_000,
        description="Size of all records. On the disk their files take up to 1.7 times as much, and 6 MB more.",
    )
