"""What a department tells a post to do: the payload of a signed configuration, and what the post says of it."""

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from platepost.wire.records.base import Digest, Line, Slug, UtcTime, WireModel

CONFIGURATION_TYPE = "platepost-configuration+jws"
"""The JWS header's `typ`, so that nothing else signed with the same key is taken for a configuration."""

Version = Annotated[int, Field(ge=1, lt=2**53)]


class DesiredConfiguration(WireModel):
    """The payload of a configuration: a compact JWS, ES256, by the fleet's configuration key. Retained."""

    version: Version = Field(description="Only goes up.")
    agency: str = Field(min_length=1, max_length=64, description="The agency of the post that it is for.")
    post: str = Field(min_length=1, max_length=64, description="The post that it is for, and no other.")
    issued: UtcTime = Field(description="When it was signed.")
    expires: UtcTime = Field(description="From when no post applies it any more; what was applied stays active.")
    who: Annotated[str, Line] = Field(
        min_length=1, max_length=120, description="The administrator who is responsible for it."
    )
    settings: dict[str, dict[str, JsonValue]] = Field(
        description=(
            "All that differs from the post's own file, by section and key. It takes the place of the settings of the "
            "version before, so an empty one returns to the file. docs/control.md lists what may be set."
        )
    )

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.expires <= self.issued:
            raise ValueError("expires before it was issued")
        return self


class RefusedConfiguration(WireModel):
    """The last configuration that was not applied."""

    version: Version | None = Field(default=None, description="Its version, if its signature was good.")
    reason: Slug = Field(description="Why.")
    message: str = Field(max_length=1000, description="The same for people: key, value, and what would be right.")


class ConfigurationState(WireModel):
    """Which configuration a post runs with: the reported side of what was desired."""

    state: Literal["file", "trial", "applied"] = Field(
        description="`file`: the post's own, nothing remote; `trial`: applied, and watched for its first minutes."
    )
    version: Version | None = Field(default=None, description="Active version; absent with `file`.")
    digest: Digest | None = Field(default=None, description="SHA-256 of the active JWS; absent with `file`.")
    who: str | None = Field(default=None, max_length=120, description="Who signed for it.")
    applied: UtcTime | None = Field(default=None, description="When it was applied.")
    refused: RefusedConfiguration | None = Field(
        default=None, description="The last one refused or reverted since, if any."
    )
