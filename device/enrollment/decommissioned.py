"""The mark of a unit that was taken out of service: its last record, signed, beside where `post.toml` was."""

import json
from pathlib import Path

MARK = "decommissioned.json"


def decommissioned(folder: Path) -> str | None:
    """Say when a unit was taken out of service and by whom; None if it was not."""
    try:
        event = json.loads((folder / MARK).read_bytes())
        return f"on {event['time'][:10]} by {event['data']['identity']}"
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError):
        return "earlier"  # the mark is there, whatever became of what it says
