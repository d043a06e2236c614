"""An IP camera's stream to a hit on the department's console, with the camera away now and then."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from playwright.sync_api import expect

from platepost.department.database.cluster import installed_versions
from platepost.device.backends import CameraAddress
from platepost.device.camera.footage.recordings import open_recording
from platepost.simulator.brokers.mosquitto import mosquitto_path
from platepost.simulator.live.serve import serving
from tests.browser import Visitor
from tests.end_to_end.test_live_page import entered, export, upload
from tests.footage import PASSES
from tests.standins.rtsp_server import RtspServer
from tests.thorough import THOROUGH
from tests.waiting import until

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.timeout(400),  # with the start of a whole desk
    pytest.mark.usefixtures("databases_lent"),
    pytest.mark.skipif(not THOROUGH, reason="time for one more desk is missing: make test-camera"),
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
    pytest.mark.skipif(not installed_versions(), reason="PostgreSQL is missing: make tools"),
]
PASSWORD = "p:w/@ 1"
LISTED = [passage["text"] for passage in json.loads(PASSES.with_name("pass.truth.json").read_text())["passages"]]


@pytest.fixture
def server() -> Iterator[RtspServer]:
    pictures = [still.gray for still in islice(open_recording(PASSES).stills(), 0, None, 2)]
    running = RtspServer(pictures, frames_per_second=10, password=PASSWORD).start()
    yield running
    running.stop()


def recorded(folder: Path) -> str:
    return (folder / "desk" / "records.jsonl").read_text(encoding="utf-8")


def test_plates_of_an_ip_camera_are_hits_on_the_console(server: RtspServer, tmp_path: Path, visitor: Visitor) -> None:
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    camera = CameraAddress(server.url, "viewer", tmp_path / "password")
    with serving([camera], tmp_path / "desk") as address:
        page = visitor.open(address)
        expect(page.locator("#link")).to_have_text("Live")
        upload(page, export(*LISTED))
        console = entered(page, "dispatcher")
        expect(console.locator("#queue button").first).to_contain_text("stolen vehicle")
        server.stop()
        until(lambda: "camera_failed" in recorded(tmp_path), "the camera's failure, recorded")
        server.start()
        until(lambda: "camera_recovered" in recorded(tmp_path), "the camera's recovery, recorded")
        for opened in (console, page):
            opened.close()
    records = recorded(tmp_path)
    logs = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "desk").glob("*.log"))
    assert '"captured_by":"camera_clock"' in records.replace(" ", "")
    assert PASSWORD not in records + logs
