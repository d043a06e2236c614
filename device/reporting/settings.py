"""The table `reporting` of the configuration."""

from typing import Annotated

from pydantic import Field, StringConstraints

from platepost.common.settings import Section
from platepost.wire.hotlist.keys import TEST_PLATE


class ReportingSettings(Section):
    """How often a post shows that its hits arrive."""

    synthetic_minutes: float = Field(
        default=60,
        ge=0,
        le=1440,
        description="How often the post makes a synthetic hit, to show that hits arrive; 0 for never.",
    )
    synthetic_plate: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,12}$")] = Field(
        default=TEST_PLATE,
        description="The plate that it looks up for this; the list has it with the category acceptance_test.",
    )
    synthetic_late_minutes: float = Field(
        default=10,
        gt=0,
        le=1440,
        description="Age at which an unreleased synthetic hit is the fault synthetic_hit_late.",
    )
