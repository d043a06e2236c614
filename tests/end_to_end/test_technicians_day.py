"""A technician's day: from nothing to a post in service, by the commands that people give, and no other way.

The administrator's are given in this process, the technician's as processes of their own with a terminal's lines.
"""

import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import expect

from device.config import load
from device.health.view import load_views
from device.post import Post
from provisioning.cli import provision
from provisioning.custody import CUSTODIAN, FOR_OTHERS, PERSONAL
from provisioning.fleet import Fleet
from simulator.broker import Broker, mosquitto_path
from simulator.daemon import free_port
from simulator.subscriber import Subscriber
from tests.browser import Visitor
from tests.end_to_end.test_aim import is_whole, nearer
from tests.provisioning.enrolment.conftest import open_office

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is not installed: apt-get install mosquitto"),
]
SECONDS = 90.0
# The machine of a test may have no synchronised clock.
_PROGRAM = """
import sys
import device.assembly
import device.commands.selftest
from device.cli import main
from device.records import ClockQuality
good = ClockQuality(source="kernel", synchronised=True, estimated_error_seconds=0.001)
device.assembly.clock_quality = device.commands.selftest.clock_quality = lambda: good
sys.exit(main())
"""


class Terminal:
    """One command at the unit, with what is typed into it."""

    def __init__(self, *words: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, pattern: str) -> re.Match[str]:
        end = time.monotonic() + SECONDS
        while True:
            line = self._lines.get(timeout=max(0.1, end - time.monotonic()))
            assert line is not None, f"waited for {pattern!r}; it said {''.join(self.said)}"
            self.said.append(line)
            if found := re.search(pattern, line):
                return found

    def type(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def end(self) -> int:
        """Wait for its end, and return its exit code."""
        while (line := self._lines.get(timeout=SECONDS)) is not None:
            self.said.append(line)
        return self._process.wait(SECONDS)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder, and the passphrases of the people in it, as files that only they read."""
    for variable in (
        "PLATEPOST_PASSPHRASE_FILE",
        "PLATEPOST_PERSON_PASSPHRASE_FILE",
        "PLATEPOST_NEW_PERSON_PASSPHRASE_FILE",
    ):
        path = tmp_path / variable.lower()
        path.touch(mode=0o600)
        path.write_text("correct horse battery staple\n")
        monkeypatch.setenv(variable, str(path))
    yield tmp_path
    for custodian in (CUSTODIAN, PERSONAL, FOR_OTHERS):
        custodian.forget()


def given(*words: object) -> str:
    """Give one of the administrator's commands."""
    result = CliRunner().invoke(provision, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_from_nothing_to_a_post_in_service(office: Path, visitor: Visitor) -> None:
    directory, unit, clip = office / "fleet", office / "unit", nearer(office / "near")
    because = ("--purpose", "work order 7731")
    given(
        "fleet", "init", directory, "--agency", "riverside", "--broker-name", "localhost", "--administrator", "j-stone"
    )
    given("person", "add", directory, "r-alvarez", "--role", "technician", *because)
    given("subscriber", "add", directory, "keeper", *because)
    fleet = Fleet.load(directory)
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(fleet, office / "broker"))
        keeper = stack.enter_context(
            Subscriber(
                fleet.subscriber("keeper"), agency="riverside", broker=broker.address, archive=office / "records.jsonl"
            )
        )
        department = stack.enter_context(open_office(fleet, office))
        camera = ("--camera", "footage", "--camera-setting", f"path={clip}", "--camera-setting", "loop=true")
        invitation = ("post", "invite", directory, "post-17", "--technician", "r-alvarez", "--broker", broker.address)
        code = json.loads(given(*invitation, *camera, "--camera-setting", "frames_per_second=6", *because, "--json"))[
            "code"
        ]

        enrol = Terminal("enrol", "post-17", f"localhost:{department.port}", "--directory", unit, "--code-file", "-")
        stack.callback(enrol.close)
        enrol.type(f"{code}\n")
        enrol.wait_for("This unit is post-17")
        assert enrol.end() == 0
        # The same vehicle again and again is one vehicle; here it is to be many.
        with (unit / "post.toml").open("a") as file:
            file.write("\n[passages]\nrepeat_seconds = 0\n\n[service]\nshutter = 0.001\nspeed_mph = 35\n")
        (office / "list.csv").write_text(
            "plate,state,category\n8KTR402,CA,acceptance_test\n8AAA000,CA,stolen_vehicle\n"
        )
        package = ("--fleet", directory, "--output", office / "list.package")
        given("hotlist", "build", office / "list.csv", *package)
        given("hotlist", "publish", office / "list.package", "--fleet", directory, "--broker", broker.address)

        technician = ("--config", unit / "post.toml", "--as", fleet.operator("r-alvarez"), *because)
        aim = Terminal("aim", *technician, "--port", free_port())
        stack.callback(aim.close)
        page = visitor.open(aim.wait_for(r"http://\S+/enter/\S+")[0], phone=True)
        expect(page.locator("#word")).to_have_text("GOOD")
        expect(page.locator("tr.good")).to_have_count(9)
        expect(page.locator("#accept")).to_have_text("Accept this view by daylight")
        expect(page.locator("#picture")).to_have_js_property("naturalWidth", 960)
        is_whole(page)
        if shots := os.environ.get("PLATEPOST_SCREENSHOTS"):
            page.screenshot(path=f"{shots}/aim-phone.png", full_page=True)
        page.locator("#accept").click()
        expect(page.locator("#foot")).to_contain_text("Accepted by daylight")
        page.locator("#done").click()
        expect(page.locator("#word")).to_have_text("CLOSED")
        assert aim.end() == 0, aim.said
        view = load_views(unit / "state").day
        assert view is not None
        assert view.accepted_by == "r-alvarez"

        limits = {"vehicles": 2, "least_share": 0, "outage_seconds": 1, "alarm_seconds": 30}
        words = [word for name, value in limits.items() for word in ("--limit", f"{name}={value}")]
        accept = Terminal("accept", *technician, "--output", office, *words)
        stack.callback(accept.close)
        accept.wait_for("Bring a plate")
        accept.wait_for("Press Enter")
        accept.type("\n\n")
        accept.wait_for("Take the network away")
        broker.stop()
        accept.wait_for("Plug it in again")
        broker.start()
        accept.wait_for("Accepted")
        assert accept.end() == 0, accept.said

        (report,) = office.glob("acceptance-post-17-*.html")
        given("acceptance", "keep", directory, report, *because)
        post = Post(load(unit / "post.toml"))
        thread = threading.Thread(target=post.run, daemon=True)
        thread.start()
        try:
            assert keeper.wait_for(lambda all_: bool(_accepted(all_)), timeout=SECONDS)
            trail = [each.data for each in keeper.arrivals if each.data.get("identity") == "r-alvarez"]
            assert [each["action"] for each in trail] == [
                *("technician_session", "view_accepted", "technician_session"),
                *("technician_session", "technician_session", "acceptance"),
            ]
            assert {each["details"]["purpose"] for each in trail} == {"work order 7731"}
        finally:
            post.stop()
            thread.join(SECONDS)
        assert not thread.is_alive()
    acts = [act.action for act in fleet.acts]
    assert {"fleet_made", "person_certified", "code_issued", "post_enrolled", "acceptance_kept"} <= {*acts}, acts


def _accepted(arrivals: Any) -> list[Any]:  # noqa: ANN401
    return [each for each in arrivals if each.data.get("action") == "acceptance" and each.data["outcome"] == "success"]
