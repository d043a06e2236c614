"""What really happens in a clip: the passages, by frame.

Two forms are read: the truth that the scene renderer writes beside its clip, and the manifest of a folder of recorded
videos (`{"videos": [{"file": ..., "fps": ..., "passages": [...]}]}`).
"""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from platepost.simulator.errors import TruthError

Frames = Annotated[tuple[int, int], Field(description="First and last frame in which the whole plate is in view.")]


class _Known(BaseModel):
    """A part of a truth file; what it does not know is passed over, for both forms say more than is needed here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class TruePassage(_Known):
    """One vehicle's plate in a clip."""

    text: str
    frames: Frames
    design: str | None = None
    direction: Literal["approaching", "receding"] | None = None
    lane: int | None = None
    speed_mph: float | None = None


class Truth(_Known):
    """The passages of one clip."""

    passages: tuple[TruePassage, ...]
    fps: float = Field(gt=0)
    clip: str | None = None
    frames: int | None = None


class DueHit(_Known):
    """A hit that must come of a passage."""

    passage: int
    kind: Literal["exact", "look_alike", "near", "partial"]
    category: str


class _Video(Truth):
    file: str


class _Manifest(_Known):
    videos: tuple[_Video, ...]


_DUE = TypeAdapter(tuple[DueHit, ...])


def load_truth(path: Path, *, clip: str | None = None) -> Truth:
    """Read the truth of a clip.

    Args:
        path: the truth file, or the manifest of a folder of videos.
        clip: the clip's file name, by which a manifest of several videos is searched.

    Raises:
        TruthError: the file is unreadable, of another form, or says nothing of the clip.

    """
    content = _read(path)
    try:
        if not isinstance(content, dict) or "videos" not in content:
            return Truth.model_validate(content)
        videos = _Manifest.model_validate(content).videos
    except ValidationError as error:
        raise TruthError(f"{path}: not a truth file ({_first(error)})") from error
    for video in videos:
        if video.file == clip or (clip is None and len(videos) == 1):
            return video
    raise TruthError(f"{path}: does not list {clip}; it knows " + ", ".join(video.file for video in videos))


def load_due_hits(path: Path, truth: Truth) -> tuple[DueHit, ...]:
    """Read which hits must come of a clip's passages.

    Raises:
        TruthError: the file is unreadable, of another form, or names a passage that is not in the truth.

    """
    try:
        due = _DUE.validate_python(_read(path))
    except ValidationError as error:
        raise TruthError(f"{path}: not a file of due hits ({_first(error)})") from error
    for hit in due:
        if not 0 <= hit.passage < len(truth.passages):
            raise TruthError(f"{path}: passage {hit.passage} is not in the truth")
    return due


def _read(path: Path) -> object:
    try:
        content: object = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise TruthError(f"{path}: no truth can be read from it ({error})") from error
    return content


def _first(error: ValidationError) -> str:
    detail = error.errors()[0]
    return f"{'.'.join(str(part) for part in detail['loc']) or 'the file'}: {detail['msg']}"
