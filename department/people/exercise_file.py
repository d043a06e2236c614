"""A file of exercises for training. Nothing here knows a database: the simulator draws such files."""

import base64

from pydantic import BaseModel, ConfigDict, Field

from platepost.department.people.rights import TrainingTopic


class Exercise(BaseModel):
    """One question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    topic: TrainingTopic
    asks: str
    picture: str | None = None
    """PNG, base64."""
    choices: tuple[str, ...] = ()
    """One of these is chosen; where there are none, characters are typed."""
    answer: str
    because: str = ""
    """What is said with the right answer."""

    def is_answered_by(self, given: str) -> bool:
        """Tell whether an answer is right; spaces, hyphens and small letters do not count."""
        return _plain(given) == _plain(self.answer)

    @property
    def image(self) -> bytes | None:
        """The picture."""
        return None if self.picture is None else base64.b64decode(self.picture)


class ExerciseSet(BaseModel):
    """A set, done from the first to the last."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern="^[a-z0-9][a-z0-9-]{0,39}$")
    exercises: tuple[Exercise, ...] = Field(min_length=1)


def _plain(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
