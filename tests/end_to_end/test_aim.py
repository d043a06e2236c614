"""Aiming: the command at the unit, its page in a real browser; a good view is in the technician's day too."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import pytest
from playwright.sync_api import Page, expect

from platepost.device.camera.footage.camera import FootageCamera
from platepost.device.camera.view import load_views
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.daemon import free_port
from platepost.wire.records import Role
from tests.browser import Visitor, accessibility_faults, page_faults, pixels_too_wide

pytestmark = pytest.mark.end_to_end
CLIP = Path(__file__).parents[2] / "simulator" / "footage" / "pass.mp4"
PROGRAM = """
import sys
from platepost.device.cli import main
from platepost.device.camera.footage.camera import FootageCamera
FootageCamera._wait_until = lambda camera, _: camera._closed.wait(0.1)
sys.exit(main())
"""
"""The command, whose footage goes at its own time, but leaves the machine to others for a while after each frame."""


def nearer(folder: Path, *, then_to: int = 0) -> Path:
    """Make footage that a longer lens would have made: the lower left of the clip, enlarged.

    Then, if asked for, it comes again with the camera turned to the right by `then_to` pixels.
    """
    folder.mkdir()
    with FootageCamera(path=CLIP, pace="fast") as camera:
        frames = [frame.color() for frame in islice(camera.frames(), 36, 73)]
    for turn, left in enumerate([0, then_to] if then_to else [0]):
        for index, frame in enumerate(frames):
            part = cv2.resize(frame[206:720, left : left + 914], (1280, 720), interpolation=cv2.INTER_LANCZOS4)
            jpeg = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
            (folder / f"{turn}-{index:03}.jpg").write_bytes(jpeg)
    return folder


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nearer(tmp_path_factory.mktemp("near") / "clip")


class Unit:
    """A post that is not in service yet, and the command that a technician runs on it."""

    def __init__(self, folder: Path, footage: Path, *, shutter: bool = True, **camera: Any) -> None:
        self.fleet = Fleet.create(folder / "fleet", agency="riverside")
        self.technician = self.fleet.add_operator("r-alvarez", Role.TECHNICIAN)
        service = {"port": free_port(), "field_of_view": 16.0, "speed_mph": 35}
        settings = PostSettings(
            brokers=("localhost:1",),
            camera="footage",
            camera_settings={"path": str(footage), "loop": True, **camera},
            board="virtual",
            more={"service": service | ({"shutter": 0.001} if shutter else {})},
        )
        self.files = self.fleet.add_post("post-1", settings)
        self.port = settings.more["service"]["port"]

    def aim(self, *words: str, who: Path | None = None) -> subprocess.Popen[str]:
        arguments = ["aim", "--config", str(self.files / "post.toml"), "--as", str(who or self.technician), *words]
        command = [sys.executable, "-c", PROGRAM, *arguments]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environment,
        )


def link_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Return the link and the code that the command prints."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if found := re.search(r"(https://\S+/enter/\S+)[\s\S]*code (\d{4}) (\d{4})", said):
            return found[1], found[2] + found[3]
    pytest.fail(said)


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=90)
    return process.returncode, output


def is_whole(page: Page) -> None:
    """Nothing is cut off at the side: a person on a phone does not scroll sideways."""
    assert pixels_too_wide(page) == 0


def test_a_poor_view_is_red_with_advice_and_is_not_accepted(
    tmp_path: Path, visitor: Visitor, started: list[subprocess.Popen[str]]
) -> None:
    unit = Unit(tmp_path, CLIP)
    process = unit.aim()
    started.append(process)
    _, code = link_of(process)
    base = f"https://127.0.0.1:{unit.port}"
    page = visitor.open(base)
    assert page_faults(page) == []
    page.locator("#code").fill(f"{9 - int(code[0])}{code[1:]}")
    page.get_by_role("button", name="Open").click()
    expect(page.locator("#wrong")).to_be_visible()
    page.locator("#code").fill(f"{code[:4]} {code[4:]}")
    page.get_by_role("button", name="Open").click()

    expect(page.locator("#word")).to_have_text("NOT YET")
    expect(page.locator("#advice")).to_contain_text("Plates are too small")
    expect(page.locator("#accept")).to_be_disabled()
    is_whole(page)
    assert page_faults(page) == []
    if folder := os.environ.get("PLATEPOST_SCREENSHOTS"):
        expect(page.locator("tr.bad td:nth-child(2)").first).to_have_text(re.compile(r"1\d\d px"))
        page.screenshot(path=f"{folder}/aim-desktop.png")
    asked = page.evaluate("fetch('/do/forget', {method: 'POST'}).then(answer => answer.status)")
    assert asked == 200
    # Another browser: the code was used, and without the cookie there is nothing to see.
    stranger = page.context.browser.new_context(ignore_https_errors=True)
    assert stranger.request.get(f"{base}/see/picture/1").status == 401
    assert stranger.request.get(f"{base}/see/events").status == 401
    assert stranger.request.post(f"{base}/do/done", headers={"origin": base}).status == 401
    assert stranger.request.post(f"{base}/do/done", headers={"origin": "http://elsewhere"}).status == 403
    assert stranger.request.get(base, headers={"host": f"elsewhere:{unit.port}"}).status == 421
    assert "/see/" not in stranger.request.get(f"{base}/enter/{code}").text()
    stranger.close()
    page.locator("#infrared").click()
    expect(page.locator("#infrared")).to_have_text("Infrared lamp off")
    page.get_by_text("Lanes named in reads").click()
    page.get_by_role("button", name="Draw a lane").click()
    expect(page.locator("#drawn")).to_contain_text("0 so far")
    box = page.locator("#picture").bounding_box()
    assert box is not None
    for number, (x, y) in enumerate(((0.25, 0.25), (0.5, 0.25), (0.5, 0.75)), start=1):
        page.locator("#picture").click(position={"x": x * box["width"], "y": y * box["height"]})
        expect(page.locator("#drawn")).to_contain_text(f"{number} so far")
    page.get_by_label("Its name").fill("left")
    page.get_by_role("button", name="The lane is complete").click()
    expect(page.locator("#drawn")).to_have_text("Drawn: left.")
    is_whole(page)
    page.locator("#done").click()
    expect(page.locator("#word")).to_have_text("CLOSED")

    status, output = ended(process)
    assert status == 1
    assert "no view was accepted" in output
    assert re.search(r'\[\[passages.lanes\]\]\nname = "left"\noutline = \[0\.2[45]\d*, 0\.2[45]\d*, 0\.[45]', output)
    assert not (unit.files / "state" / "view.json").exists()


@pytest.mark.usefixtures("heeded")
def test_a_page_comes_back_after_silence_and_ctrl_c_keeps_what_was_accepted_and_says_what_comes_next(
    tmp_path: Path, near: Path, visitor: Visitor, started: list[subprocess.Popen[str]]
) -> None:
    # Footage's own time: a busy machine sees what a quiet one does.
    unit = Unit(tmp_path, near, pace="fast", frames_per_second=3)
    process = unit.aim()
    started.append(process)
    page = visitor.open(link_of(process)[0])
    expect(page.locator("#word")).to_have_text("GOOD")
    expect(page.locator("#accept")).to_be_enabled()
    # A cable that was pulled, or a phone that is out of reach, ends no connection: there is silence.
    process.send_signal(signal.SIGSTOP)
    expect(page.locator("#word")).to_have_text("NO CONTACT")
    expect(page.locator("#accept")).to_be_disabled()
    expect(page.locator("#still")).to_have_text("no contact")
    process.send_signal(signal.SIGCONT)
    expect(page.locator("#word")).to_have_text("GOOD")
    page.get_by_role("button", name="Accept this view in daylight").click()
    expect(page.locator("#foot")).to_contain_text("Accepted in: daylight")
    process.send_signal(signal.SIGINT)
    expect(page.locator("#advice")).to_contain_text("Ctrl-C was pressed")
    status, output = ended(process)
    assert status == 0, output
    assert "Aborted" not in output
    assert re.search(r"Saved: the view in daylight, accepted \S+ \S+ \w+ by r-alvarez\.", output)
    assert "No view is accepted in infrared" in output
    assert f"Next: sudo platepost accept --config {unit.files / 'post.toml'} --as {unit.technician}\n" in output
    assert load_views(unit.files / "state").day is not None

    again = unit.aim()
    started.append(again)
    link_of(again)
    again.send_signal(signal.SIGTERM)
    status, output = ended(again)
    assert status == 1
    assert "no view was accepted; accepted earlier: the view in daylight" in output


def test_done_with_a_light_that_is_not_green_asks_whether_to_go_back(
    tmp_path: Path, near: Path, visitor: Visitor, started: list[subprocess.Popen[str]]
) -> None:
    process = Unit(tmp_path, near, pace="fast", frames_per_second=3).aim()
    started.append(process)
    page = visitor.open(link_of(process)[0], phone=True)
    page.get_by_role("button", name="Accept this view in daylight").click()
    if folder := os.environ.get("PLATEPOST_SCREENSHOTS"):
        expect(page.locator("#accept")).to_have_text("✓ Accepted in daylight · tap again to replace it")
        page.screenshot(path=f"{folder}/aim-phone.png", full_page=True)
    expect(page.locator("#accept")).to_have_text("✓ Accepted in daylight · tap again to replace it")
    expect(page.locator("#accept")).to_have_css("background-color", "rgb(0, 107, 31)")
    assert accessibility_faults(page) == []
    page.locator("#accept").click()
    expect(page.locator("#said")).to_be_empty()
    forgetting = "window.forgetting = setInterval(() => fetch('/do/forget', {method: 'POST'}), 50)"
    page.evaluate(forgetting)
    expect(page.locator("#word")).to_have_text("WAITING")
    expect(page.locator("#accept")).to_have_text("✓ Accepted in daylight")
    expect(page.locator("#accept")).to_be_disabled()
    page.locator("#done").click()
    expect(page.locator("#why")).to_contain_text("The accepted view in daylight is not good now: ")
    assert accessibility_faults(page) == []
    is_whole(page)
    page.locator("#back").click()
    expect(page.locator("#unfinished")).to_be_hidden()
    page.evaluate("clearInterval(window.forgetting)")
    expect(page.locator("#word")).to_have_text("GOOD")
    page.evaluate(forgetting)
    expect(page.locator("#word")).to_have_text("WAITING")
    page.locator("#done").click()
    expect(page.locator("#unfinished")).to_be_visible()
    page.evaluate("clearInterval(window.forgetting)")
    page.locator("#anyway").click()
    expect(page.locator("#word")).to_have_text("CLOSED")
    visitor.forgive("409")
    status, output = ended(process)
    assert status == 0, output
    assert "The page has closed: the technician was done" in output


def test_a_camera_that_is_turned_is_judged_anew_and_the_page_says_so_and_when_the_unit_dies(
    tmp_path: Path, visitor: Visitor, started: list[subprocess.Popen[str]]
) -> None:
    footage = nearer(tmp_path / "turned", then_to=120)
    process = Unit(tmp_path, footage, shutter=False, pace="fast", frames_per_second=3).aim()
    started.append(process)
    page = visitor.open(link_of(process)[0], phone=True)
    expect(page.locator("#moved")).to_have_text("The view has moved: vehicles seen before that no longer count.")
    expect(page.locator("#notes")).to_contain_text("Blur is not judged because the shutter time is unknown")
    expect(page.locator("tr.unknown")).to_contain_text("not judged")
    is_whole(page)
    assert page_faults(page) == []
    page.get_by_role("link", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.locator("#notes")).to_contain_text("No se evalúa la borrosidad")
    expect(page.locator("tr.unknown")).to_contain_text("no se evalúa")
    if folder := os.environ.get("PLATEPOST_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/aim-spanish.png", full_page=True)
    is_whole(page)
    assert page_faults(page) == []
    process.send_signal(signal.SIGKILL)
    expect(page.locator("#word")).to_have_text("SIN CONEXIÓN")
    page.locator("#forget").click()
    expect(page.locator("#said")).to_contain_text("El equipo no responde")
    visitor.forgive("ERR_")
