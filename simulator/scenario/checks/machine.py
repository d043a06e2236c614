"""Checks of what hangs on a post: the board's lines, the camera."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from platepost.common.settings import hint
from platepost.device.board.base import Light
from platepost.simulator.scenario.checks.base import Counted

if TYPE_CHECKING:
    from platepost.simulator.scenario.observations import Observations


class BoardCheck(Counted):
    """How often a line of the board took a value."""

    check: Literal["board"]
    line: Literal["illuminator", "status_light", "camera_power"] = Field(description="Which line.")
    value: str | bool = Field(description="true or false; of the status light, such as degraded.")

    @model_validator(mode="after")
    def _of_the_line(self) -> Self:
        if self.line != "status_light":
            if not isinstance(self.value, bool):
                raise ValueError(f"`value` of {self.line} is true or false")
        elif self.value not in tuple(Light):
            raise ValueError(f"`value` = {self.value!r}: unknown; {hint(str(self.value), tuple(Light))}")
        return self

    @property
    def says(self) -> str:
        """The demand in words."""
        return f"{self.line.replace('_', ' ')} becomes {self.value}: {self._many()}{self._when()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Count the changes."""
        matching = [
            value
            for name in self.names(observed)
            for at, line, value in observed.posts[name].board
            if line == self.line and value == str(self.value) and self._covers(at)
        ]
        return self._wrong(len(matching), f"times that the {self.line.replace('_', ' ')} became {self.value}")


class CameraCheck(Counted):
    """How often the post opened its camera."""

    check: Literal["camera_opened"]

    @model_validator(mode="after")
    def _of_the_whole(self) -> Self:
        if self.model_fields_set & {"after", "before"}:
            raise ValueError("openings are counted from the start to the end, without `after` and `before`")
        return self

    @property
    def says(self) -> str:
        """The demand in words."""
        return f"camera opened: {self._many()}{self._of()}"

    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Count."""
        return self._wrong(sum(observed.posts[name].opened for name in self.names(observed)), "openings of the camera")
