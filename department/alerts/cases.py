"""What somebody sees who answers a hit: the hit as the post signed it, beside what the department makes of it."""

from dataclasses import dataclass

from department.alerts.alerts import Alert, AlertStepTaken, alert_of, steps_of
from department.alerts.characters import ComparedCharacter, compared
from department.custody.reading import record
from department.ledger.entries import OpenEntry
from device.records.canonical import parse
from device.records.envelope import Event, read_event
from device.records.hit import Hit


@dataclass(frozen=True, slots=True)
class AlertCase:
    """An alert with its hit."""

    alert: Alert
    hit: Hit
    characters: tuple[ComparedCharacter, ...]
    """What was read over what is listed: each is answered by eye."""
    steps: tuple[AlertStepTaken, ...]


def alert_case(entry: OpenEntry, record_id: int) -> AlertCase | None:
    """Return an alert with its hit, noted in the entry; None if there is none, or none that the entry may see.

    Pictures are fetched by `custody.reading.picture`.

    Raises:
        ClosedEntryError: the entry is not open.

    """
    alert, stored = alert_of(record_id, entry), record(entry, record_id)
    if alert is None or stored is None:
        return None
    event = read_event(parse(stored.body))
    if not isinstance(event, Event) or not isinstance(event.data, Hit):
        return None
    hit = event.data
    return AlertCase(alert, hit, compared(hit.plate_read, hit.plate_matched), tuple(steps_of(record_id, entry)))
