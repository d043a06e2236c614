"""What `platepost department nightly` did last, for the status page and for monitors."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from platepost.department.web.moments import minute

LATE = timedelta(hours=30)
"""After so long without it something is wrong with its timer."""


class RestoreTest(BaseModel):
    """The last trial of a restore, as `restore-test --json` reported it beside the backups."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    """When it ended."""
    made: datetime
    """When the backup was made."""
    intact: bool
    """Whether everything in it was there and proved."""


class NightlyReport(BaseModel):
    """What came of each step."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    steps: Mapping[str, str | None]
    """By step, why it failed; None where it did not."""
    certificates: Mapping[str, datetime] = {}
    """When each of the department's certificates ends."""
    restore: RestoreTest | None = None
    """None before the first."""


def read_report(path: Path) -> NightlyReport | None:
    """Return the last report; None before the first, and where it is damaged."""
    try:
        return NightlyReport.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def nightly_problems(path: Path, at: datetime) -> dict[str, str]:
    """Return what is wrong with the nightly work by the report in a file, by step; nothing where all was done."""
    try:
        report = NightlyReport.model_validate_json(path.read_bytes())
    except OSError:
        return {"nightly": "it was never done: enable its timer"}
    except ValidationError:
        return {"nightly": f"{path.name} is damaged"}
    late = {"nightly": f"it was not done since {minute(report.at)}"} if at - report.at > LATE else {}
    return late | {step: why for step, why in report.steps.items() if why is not None}
