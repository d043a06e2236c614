"""What each step of an acceptance came to, kept on the unit until the whole is done: an interruption costs nothing."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from platepost.common.files import write_durably
from platepost.common.language import Phrase, listed
from platepost.device.camera.view import FILE as VIEWS_FILE
from platepost.device.config import Configuration
from platepost.version import __version__

FILE = "acceptance.progress.json"
STEPS: dict[str, Phrase] = {
    step: step
    for step in (
        *(Phrase("board"), Phrase("unit"), Phrase("view"), Phrase("rights")),
        *(Phrase("hot list"), Phrase("alarm"), Phrase("count"), Phrase("outage")),
    )
}
"""Of the checklist, in its order, by what they are called in files."""
GOOD_FOR = timedelta(hours=12)
"""How long a step that went well need not be done again."""
SEEN = ("view", "alarm", "count")
"""Steps that speak of the view in which the post was aimed."""
ASKED = {
    "hot list": ("list_seconds",),
    "alarm": ("alarm_seconds",),
    "count": ("vehicles", "least_share"),
    "outage": ("outage_seconds",),
}
"""The limits by which a step is judged; patience is none of them, for it makes nothing good."""


class Illustration(BaseModel):
    """One picture of the report."""

    model_config = ConfigDict(frozen=True)

    caption: Phrase
    jpeg: str
    """Base64."""

    @classmethod
    def of(cls, caption: Phrase, jpeg: bytes) -> "Illustration":
        """Take the bytes of a JPEG."""
        return cls(caption=caption, jpeg=base64.b64encode(jpeg).decode("ascii"))


class Result(BaseModel):
    """One line of the checklist."""

    model_config = ConfigDict(frozen=True)

    point: Phrase
    good: bool
    said: Phrase
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    pictures: tuple[Illustration, ...] = ()


class Basis(BaseModel):
    """What steps are done by, and on: a step counts for the same only."""

    model_config = ConfigDict(frozen=True)

    configuration: str
    """Its digest."""
    technician: str
    software: str
    """Its version."""
    views: str
    """Digest of the accepted views."""
    limits: dict[str, float]

    @classmethod
    def of(cls, configuration: Configuration, *, technician: str, limits: Mapping[str, float]) -> "Basis":
        """Say by what a post is accepted now. Raises OSError."""
        path = configuration.outbox.path.parent / VIEWS_FILE
        return cls(
            configuration=configuration.digest,
            technician=technician,
            software=__version__,
            views=hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "",
            limits=dict(limits),
        )

    def against(self, step: str, before: "Basis") -> Phrase | None:
        """Say why a step that was done on an earlier basis no longer counts; None if it counts."""
        if before.configuration != self.configuration:
            return Phrase("the configuration has changed")
        if before.technician != self.technician:
            return Phrase("{technician} did it", technician=before.technician)
        if before.software != self.software:
            return Phrase("the software has changed")
        if step in SEEN and before.views != self.views:
            return Phrase("the post was aimed again")
        if any(before.limits.get(name) != self.limits.get(name) for name in ASKED.get(step, ())):
            return Phrase("the limits were others")
        return None


class Checkpoint(BaseModel):
    """The steps done so far, and on what."""

    basis: Basis
    began: datetime = Field(default_factory=lambda: datetime.now(UTC))
    steps: dict[str, tuple[Result, ...]] = Field(default_factory=dict)

    @classmethod
    def resume(cls, folder: Path, basis: Basis, *, say: Callable[[Phrase], None]) -> "Checkpoint":
        """Take up what was begun, or begin: what is too old, failed or not to be read is done again.

        So is what lies in the future: by a clock that was ahead no one knows how old it is.
        What was done well on something else is done again too, which `say` is told.
        """
        fresh = cls(basis=basis)
        try:
            result = cls.model_validate_json((folder / FILE).read_bytes())
        except (OSError, ValidationError):
            return fresh
        now = datetime.now(UTC)
        lights: dict[str, tuple[Result, ...]] = {}
        dropped: dict[Phrase, list[str]] = {}
        for step, results in result.steps.items():
            if not all(result.good and now - GOOD_FOR < result.at <= now for result in results):
                continue
            why = basis.against(step, result.basis)
            if why is None:
                lights[step] = results
            else:
                dropped.setdefault(why, []).append(step)
        for why, steps in dropped.items():
            names = listed(STEPS.get(step, step) for step in steps)
            say(Phrase("{steps}: to be done again, for {why}", steps=names, why=why))
        return cls(basis=basis, began=result.began, steps=lights) if lights else fresh

    def done(self, step: str) -> bool:
        """Say whether a step went well already."""
        return step in self.steps and all(result.good for result in self.steps[step])

    def note(self, folder: Path, step: str, results: Sequence[Result]) -> None:
        """Keep what a step came to. Raises OSError."""
        self.steps[step] = tuple(results)
        write_durably(folder / FILE, self.model_dump_json().encode())

    @staticmethod
    def forget(folder: Path) -> None:
        """Begin again next time."""
        (folder / FILE).unlink(missing_ok=True)
