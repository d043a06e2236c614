"""Hot lists of a scenario: what is on them, when they were built, and what is wrong with them on purpose."""

import random
import string
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from platepost.provisioning.hotlist.rows import HotListRow
from platepost.simulator.scenario.durations import Signed
from platepost.simulator.scenario.toml_files import TomlTable
from platepost.wire.records.base import Slug

Plate = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,10}$")]
DECOYS = "stolen_vehicle"
"""The category of those plates that the file only counts."""
Defect = Literal["none", "forged", "foreign", "truncated", "unsigned"]


class ListedPlate(TomlTable):
    """One plate of interest."""

    plate: Plate = Field(description="As the list writes it.")
    category: Slug = Field(description="Such as stolen_vehicle.")
    priority: Annotated[int, Field(ge=1, le=9)] = Field(default=1, description="1 is the most urgent.")
    state: str = Field(default="CA", max_length=3, description="State that issued it.")
    reference: str | None = Field(default=None, max_length=60, description="The department's case.")


class ListDescription(TomlTable):
    """One list, complete."""

    version: Annotated[int, Field(ge=1, le=2**53 - 1)] = Field(description="Greater than that of every list before.")
    plates: tuple[ListedPlate, ...] = Field(default=(), description="Plates of interest.")
    decoys: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=50, description="Further plates, none of which passes."
    )
    age: Signed = Field(
        default=0.0,
        description="How old it is when it is published; below zero if it claims to be built in the future.",
    )
    defect: Defect = Field(
        default="none",
        description="What is wrong with it: forged (signed by a stranger), foreign (another agency's), truncated, "
        "unsigned.",
    )

    def rows(self) -> list[HotListRow]:
        """Return the plates, decoys among them: the same ones every time."""
        listed = [
            HotListRow(plate.plate, plate.category, plate.priority, state=plate.state, reference=plate.reference)
            for plate in self.plates
        ]
        draw = random.Random(self.version)
        # No plate of the clips begins with 0 followed by two letters that look like nothing else.
        decoys = {
            "0" + "".join(draw.choices("WXYZ", k=3)) + "".join(draw.choices(string.digits, k=3))
            for _ in range(self.decoys)
        }
        return [*listed, *(HotListRow(plate, DECOYS, 1, state="NV") for plate in sorted(decoys))]
