"""What a technician at the unit goes by: the tables `service`, `acceptance` and `enrollment` of the configuration."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from platepost.common.settings import PORT, SERVICE_PORT, Remote, Section


class ServiceSettings(Section):
    """How technicians work at the unit; a running post uses `revoked_ssh` only."""

    address: str = Field(
        default="127.0.0.1", description="Address of the unit's service interface, the only one that shows a page."
    )
    port: int = Field(default=SERVICE_PORT, ge=1, le=65535, description="Port of that page.")
    minutes: float = Field(default=30, gt=0, le=240, description="Minutes until the page closes automatically.")
    speed_mph: float | None = Field(
        default=None,
        gt=0,
        le=150,
        description="Of passing vehicles, miles an hour; by default as the camera is set.",
    )
    shutter: float | None = Field(
        default=None, gt=0, le=1, description="How long the shutter is open, seconds; by default as the camera is set."
    )
    field_of_view: float | None = Field(
        default=None, gt=0, lt=180, description="Degrees that the picture is wide, for advice in degrees."
    )
    revoked_ssh: Remote[Annotated[tuple[Annotated[int, Field(ge=1, lt=2**53)], ...], Field(max_length=2000)]] = Field(
        default=(),
        description="Serial numbers of ssh certificates that sshd rejects from then on, permanently.",
    )


class AcceptanceSettings(Section):
    """Whether this post must be accepted by a technician before it reads."""

    file: Path | None = Field(
        default=None, description="Where the signed acceptance is; where none is named, the post reads without one."
    )


class EnrollmentSettings(Section):
    """Where this post renews its certificate, alone and in time."""

    office: Annotated[str, Field(pattern=r"^[^\s/:.]{1,63}(\.[^\s/:.]{1,63})*\.?(:[0-9]{1,5})?$"), PORT] = Field(
        description="host:port of the department's enrollment server (EST, RFC 7030)."
    )
