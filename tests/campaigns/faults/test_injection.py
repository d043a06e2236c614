"""A fault that is at work when the campaign is asked to end heals at once: the campaign waits for it."""

import threading

from platepost.common.signals import stop_on_signals
from tests.campaigns.faults.injection import pause


def test_fault_heals_when_the_campaign_is_asked_to_end() -> None:
    with stop_on_signals() as stop:
        fault = threading.Thread(target=pause, args=[600.0], daemon=True)
        fault.start()
        stop.request()
        fault.join(60.0)
        assert not fault.is_alive()
