"""Settings of detection, reading and passages: the tables `vision` and `passages` of the configuration."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from platepost.common.settings import Remote, RemoteBounds, Section
from platepost.device.vision.detector import MINIMUM_SCORE
from platepost.device.vision.serials import Country


class VisionSettings(Section):
    """Detection and reading."""

    detector: Path | None = Field(default=None, description="Another detector.tflite than the one that ships.")
    reader: Path | None = Field(default=None, description="Another reader.tflite than the one that ships.")
    region: Path | None = Field(default=None, description="Another region.tflite than the one that ships, if one does.")
    vehicle: Path | None = Field(default=None, description="Another vehicle.tflite than the one that ships, if any.")
    country: Country = Field(
        default="US",
        description=(
            "Where most vehicles are registered: its formats break ties between texts, and outside the US they "
            "distinguish O from 0 and I from 1 where a text fits one. EU is for posts near borders; a member's own "
            "code is more precise."
        ),
    )
    minimum_score: Annotated[Remote[float], RemoteBounds(most=0.7)] = Field(
        default=MINIMUM_SCORE, ge=0.05, le=1, description="Least score of a plate's detection."
    )
    minimum_confidence: Annotated[Remote[float], RemoteBounds(most=0.7)] = Field(
        default=0.4,
        ge=0,
        le=1,
        description="Reads whose text has a lower confidence, if it is a plate's, are counted and not published.",
    )
    minimum_characters: Annotated[Remote[int], RemoteBounds(most=6)] = Field(
        default=4, ge=1, le=8, description="Reads shorter than this are not published."
    )
    motion_area: Annotated[Remote[float], RemoteBounds(most=0.05)] = Field(
        default=0.002, ge=0, le=1, description="Share of the picture that must change; 0 switches the gate off."
    )
    queue_frames: int = Field(default=4, ge=1, le=64, description="Frames that may wait; more are dropped and counted.")


LaneName = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]


class LaneSettings(Section):
    """One lane in the picture. Where lanes overlap, the first one counts."""

    name: LaneName = Field(description="Its name in reads.")
    outline: tuple[float, ...] = Field(
        min_length=6,
        max_length=40,
        description=(
            "Its corners in turn, x and y of each as shares of the picture's width and height: 0, 0 is the upper left."
            " Draw it around where plates pass, not around the asphalt: they are higher up."
        ),
    )

    @field_validator("outline")
    @classmethod
    def _has_corners_in_the_picture(cls, outline: tuple[float, ...]) -> tuple[float, ...]:
        if len(outline) % 2:
            raise ValueError("expected an x and a y for each corner")
        if not all(0 <= share <= 1 for share in outline):
            raise ValueError("expected shares of the picture's width and height, 0 to 1")
        return outline


class PassageSettings(Section):
    """What makes one passage, and when it is safe to act on early."""

    lanes: tuple[LaneSettings, ...] = Field(
        default=(),
        max_length=8,
        description="Lanes in the picture; each read reports the lane in which its plate was seen best.",
    )
    lost_after_seconds: Remote[float] = Field(
        default=1.0, gt=0, le=30, description="Unseen for so long, a passage has ended."
    )
    longest_seconds: Annotated[Remote[float], RemoteBounds(least=5, most=600)] = Field(
        default=60,
        gt=0,
        le=86_400,
        description="A vehicle that stands longer is read then, and again only if nearer looks differ.",
    )
    repeat_seconds: Annotated[Remote[float], RemoteBounds(most=300)] = Field(
        default=10,
        ge=0,
        le=86_400,
        description="The same text again within this time is the same vehicle: no second read.",
    )
    sure_confidence: Annotated[Remote[float], RemoteBounds(least=0.8)] = Field(
        default=0.98, ge=0.5, le=1, description="Confidence at which one frame alone makes a hit."
    )
    agreeing_frames: Annotated[Remote[int], RemoteBounds(most=10)] = Field(
        default=2, ge=2, le=50, description="Frames that must agree for an early hit otherwise."
    )
    agreeing_confidence: Annotated[Remote[float], RemoteBounds(least=0.4, most=0.95)] = Field(
        default=0.7,
        ge=0,
        le=1,
        description="Least confidence of all frames together; 0.85 at least while the plate is below 48 pixels.",
    )
