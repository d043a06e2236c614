"""How an IP camera is reached: the table `camera.rtsp` of the configuration."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from platepost.common.secrets.credentials import PRIVATE
from platepost.common.settings import Section


class RtspSettings(Section):
    """An IP camera that is pointed at one lane."""

    url: str = Field(
        max_length=500,
        description="Its address, `rtsp://HOST[:PORT]/PATH`, or `rtsps://` for TLS; without a user name or password.",
    )
    user: str | None = Field(
        default=None, min_length=1, max_length=100, description="The user name, if it asks for one."
    )
    password_file: Annotated[Path | None, PRIVATE] = Field(
        default=None, description="A file with the password, which systemd may deliver as a credential."
    )
    ca_file: Path | None = Field(
        default=None, description="PEM of the authority that issued the camera's certificate; required for `rtsps://`."
    )
    open_seconds: float = Field(default=10, ge=1, le=60, description="How long connecting may take.")
    read_seconds: float = Field(
        default=5, ge=1, le=30, description="How long the camera may send nothing before the post reconnects."
    )

    hardware_decoder: Literal["cuda", "qsv", "drm", "amf"] | None = Field(
        default=None,
        description="FFmpeg's name of hardware that decodes (NVIDIA, Intel, the kernel's DRM, AMD); where it can't, the"
        " processor does.",
    )

    @field_validator("url")
    @classmethod
    def _is_an_address_without_a_password(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"rtsp", "rtsps"} or not parts.hostname:
            raise ValueError("expected rtsp://HOST/PATH or rtsps://HOST/PATH")
        if parts.username is not None:
            raise ValueError("a user name or password must not be in the address: use `user` and `password_file`")
        return url

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.url.startswith("rtsps:") and self.ca_file is None:
            raise ValueError("rtsps:// needs `ca_file`: without it anyone on the way could send other pictures")
        if (self.user is None) != (self.password_file is None):
            raise ValueError("set both `user` and `password_file`")
        return self
