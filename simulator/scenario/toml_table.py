"""What every table of a scenario file is: unknown keys are refused, and nothing changes after loading."""

from pydantic import BaseModel, ConfigDict


class TomlTable(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)
