"""The CPU seconds of a Chromium count after it has ended, those of its renderers and of all else that it starts too."""

import os
import resource

import pytest

from scripts.processes import descendants
from tests.browser import running_chromium

pytestmark = pytest.mark.end_to_end
COMPUTE = "const end = performance.now() + 300; while (performance.now() < end);"


def test_cpu_seconds_of_renderers_count_after_chromium_has_ended() -> None:
    before = descendants([os.getpid()]).keys()
    used = -sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    with running_chromium() as browser:
        browser.new_page().evaluate(COMPUTE)
        running = descendants([os.getpid()])
    used += sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    assert used >= sum(running[process] for process in running.keys() - before) - 0.1, "clock ticks round"
