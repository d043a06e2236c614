"""The mark of a unit that was taken out of service: its last record, signed, beside where `post.toml` was."""

import json
from datetime import datetime
from pathlib import Path

from platepost.common.language import Phrase, day

MARK = "decommissioned.json"


def decommissioned(folder: Path) -> Phrase | None:
    """Say when a unit was taken out of service and by whom; None if it was not."""
    try:
        event = json.loads((folder / MARK).read_bytes())
        date, person = day(datetime.fromisoformat(event["time"])), str(event["data"]["identity"])
        return Phrase("on {date} by {person}", date=date, person=person)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError):
        return Phrase("earlier")  # the mark is there, whatever became of what it says
