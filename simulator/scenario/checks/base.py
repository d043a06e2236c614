"""What every check is, and the limits that many share."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from platepost.common.settings import hint
from platepost.simulator.scenario.durations import Duration, words
from platepost.simulator.scenario.toml_files import TomlTable


def known(names: Iterable[str]) -> tuple[Any, ...]:
    """Return the annotations of a text that must be one of these names, for editors too.

    A misspelled name is found nowhere, so a check that it is nowhere would always pass.
    """
    there = tuple(str(name) for name in names)

    def _known(text: str) -> str:
        if text not in there:
            raise ValueError(f"unknown; {hint(text, there)}")
        return text

    return AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(there)})


if TYPE_CHECKING:
    from collections.abc import Iterator

    from platepost.simulator.scenario.observations import Observations, ReceivedRecord


class BaseCheck(TomlTable):
    """One demand. Subclasses must give `check` (a literal), `says` and `judge`."""

    post: str | None = Field(default=None, description="Of which post; of all together where not given.")

    @property
    @abstractmethod
    def says(self) -> str:
        """The demand in words."""

    @abstractmethod
    def judge(self, observed: "Observations") -> tuple[str, ...]:
        """Return what is wrong, in sentences; nothing if all is well."""

    def names(self, observed: "Observations") -> tuple[str, ...]:
        """Return the posts meant, one by one."""
        return tuple(name for name in observed.posts if self.post in {None, name})

    def _of(self) -> str:
        return f" ({self.post})" if self.post else ""


class Within(BaseCheck):
    """A check of what was made within a time."""

    after: Duration = Field(default=0.0, description="Only what was made from here on.")
    before: Duration | None = Field(default=None, description="Only what was made before.")

    @model_validator(mode="after")
    def _wide(self) -> Self:
        if self.before is not None and self.before <= self.after:
            raise ValueError("`before` must be later than `after`: nothing is made between them")
        return self

    def _within(self, observed: "Observations", kind: str) -> "Iterator[ReceivedRecord]":
        return observed.of(kind, post=self.post, after=self.after, before=self.before)

    def _covers(self, at: float) -> bool:
        return self.after <= at and (self.before is None or at < self.before)

    def _when(self) -> str:
        parts = ([f"from {words(self.after)} on"] if self.after else []) + (
            [f"before {words(self.before)}"] if self.before is not None else []
        )
        return (" " + ", ".join(parts) if parts else "") + self._of()


class Counted(Within):
    """A check of how many there are; at least one, where nothing is said."""

    count: Annotated[int, Field(ge=0)] | None = Field(default=None, description="Exactly so many.")
    at_least: Annotated[int, Field(ge=0)] | None = Field(default=None, description="So many or more.")
    at_most: Annotated[int, Field(ge=0)] | None = Field(default=None, description="So many or fewer.")

    @model_validator(mode="after")
    def _either(self) -> Self:
        if self.count is not None and (self.at_least is not None or self.at_most is not None):
            raise ValueError("`count` stands alone, without at_least and at_most")
        if self.at_most is None and self.at_least == 0:
            raise ValueError("`at_least` = 0 demands nothing: give `count`, `at_most` or a greater one")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError("`at_least` is more than `at_most`: no number is both")
        return self

    def _many(self) -> str:
        if self.count is not None:
            return f"exactly {self.count}"
        least = self.at_least if self.at_least is not None else (1 if self.at_most is None else None)
        parts = [f"at least {least}"] if least is not None else []
        parts += [f"at most {self.at_most}"] if self.at_most is not None else []
        return ", ".join(parts)

    def _wrong(self, count: int, what: str) -> tuple[str, ...]:
        if self.count is not None:
            fits = count == self.count
        else:
            least = self.at_least if self.at_least is not None else (1 if self.at_most is None else 0)
            fits = count >= least and (self.at_most is None or count <= self.at_most)
        return () if fits else (f"{count} {what}, {self._many()} wanted{self._when()}",)
