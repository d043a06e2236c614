#!/usr/bin/env python3
"""Make the pictures of the documentation from the present pages: scripts/pictures.py [NAME...].

Those of a hit come from the live page and the console of a desk, that of the demonstration from its report, and the
others from tests that show the page. Every plate is invented. Make them on a machine that does nothing else and whose
clock is synchronized: the pictures say so where it is not.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import cv2
from playwright.sync_api import Page, ViewportSize, expect

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the browser is the tests' own

from platepost.simulator.demo.clip import STREET, find_clip  # noqa: E402
from platepost.simulator.live.serve import serving  # noqa: E402
from tests.browser import PATIENCE_SECONDS, PHONE, Visitor, running_chromium  # noqa: E402

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
WALL: ViewportSize = {"width": 1920, "height": 1080}
TABLET: ViewportSize = {"width": 820, "height": 1180}
CONSOLES: Mapping[str, tuple[ViewportSize, Literal["light", "dark"]]] = {
    "console-eye": (DESKTOP, "light"),
    "console-desktop-dark": (DESKTOP, "dark"),
    "console-wall": (WALL, "light"),
    "console-wall-dark": (WALL, "dark"),
    "console-tablet": (TABLET, "light"),
    "console-tablet-dark": (TABLET, "dark"),
    "console-phone": (PHONE, "light"),
    "console-phone-dark": (PHONE, "dark"),
}
"""By picture: the window and the colors."""
NEARER_MS = 2500
"""From a hit to its picture on the road, at a quarter of the speed: the vehicle has come nearer."""
DRAWN_MS = 1500
"""Until a map is drawn again in other colors."""
IMAGES = ROOT / "docs" / "images"
QUALITY = 75
WIDEST = 1000
DEPARTMENT = "tests/department"
TESTS = {
    "accept": ("tests/end_to_end/test_technicians_day.py", "accept-0-desktop-light"),
    "aim-desktop": ("tests/end_to_end/test_aim.py", "aim-desktop"),
    "aim-phone": ("tests/end_to_end/test_aim.py", "aim-phone"),
    "console-deaf": (f"{DEPARTMENT}/alerts/pages/test_console_stream.py", "console-deaf"),
    "policy": (f"{DEPARTMENT}/web/test_every_page.py", "policy-policy-0-desktop-light"),
    "scenario-report": ("tests/end_to_end/test_scenarios.py", "amber_alert-0-desktop-light"),
    "search": (f"{DEPARTMENT}/search/test_search_page.py", "search"),
}
"""By picture: the test that shows the page, and the name of its screenshot."""
WORDS = {
    "tests/end_to_end/test_scenarios.py": "needs_nothing_else and amber_alert",
    f"{DEPARTMENT}/alerts/pages/test_console_stream.py": "kills",
}
"""Of a file's tests, which; all where nothing is said."""


def keep(name: str, shot: Path) -> None:
    """Write a screenshot as a small picture of the documentation."""
    picture = cv2.imread(str(shot))
    if picture is None:
        raise SystemExit(f"{name}: there is no {shot.name}")
    height, width = picture.shape[:2]
    if width > WIDEST:
        picture = cv2.resize(picture, (WIDEST, round(height * WIDEST / width)), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(IMAGES / f"{name}.webp"), picture, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    sys.stdout.write(f"{name}.webp, {(IMAGES / f'{name}.webp').stat().st_size // 1024} KiB\n")


def from_tests(wanted: Mapping[str, tuple[str, str]], folder: Path) -> None:
    """Have tests show their pages, and keep what they showed."""
    for file in sorted({file for file, _ in wanted.values()}):
        line = [sys.executable, "-m", "pytest", "-q", file, *(("-k", WORDS[file]) if file in WORDS else ())]
        subprocess.run(line, cwd=ROOT, env=os.environ | {"PLATEPOST_SCREENSHOTS": str(folder)}, check=True)
    for name, (_, shot) in wanted.items():
        keep(name, folder / f"{shot}.png")


def from_the_demonstration(folder: Path) -> None:
    """Show the top of the demonstration's report."""
    line = [Path(sys.executable).with_name("platepost"), "simulate", "demo", "--directory", folder / "demo"]
    subprocess.run(line, cwd=ROOT, check=True)
    with running_chromium() as browser:
        page = Visitor(browser).open((folder / "demo" / "report.html").as_uri())
        page.screenshot(path=folder / "report.png")
    keep("demo-report", folder / "report.png")


def from_a_desk(folder: Path) -> None:
    """Show a hit on the road, on a street that is slow enough that nothing is dropped."""
    with serving([find_clip(STREET)], folder / "desk") as address, running_chromium() as browser:
        visitor = Visitor(browser)
        page, console = console_of(visitor, address)
        console.locator("#queue button").first.wait_for()
        page.bring_to_front()
        page.wait_for_timeout(NEARER_MS)
        page.locator(".view").screenshot(path=folder / "road.png")
        page.screenshot(path=folder / "serve.png")
        for each in (console, page):
            each.close()
        visitor.close()
    keep("hit-road", folder / "road.png")
    keep("serve", folder / "serve.png")


def from_a_near_post(folder: Path) -> None:
    """Show how a dispatcher compares a hit, by day and by night, at a desk, on a tablet and on a phone."""
    clip = folder / "near.mp4"
    scene = ROOT / "scripts" / "console-picture.toml"
    line = [Path(sys.executable).with_name("platepost"), "simulate", "render", scene, clip]
    subprocess.run(line, cwd=ROOT, check=True)
    with serving([find_clip(clip)], folder / "near") as address, running_chromium() as browser:
        visitor = Visitor(browser)
        page, console = console_of(visitor, address)
        console.bring_to_front()
        console.locator("#queue button").first.wait_for()
        console.get_by_role("button", name="Take (t)").click()
        expect(console.locator("#hit")).to_have_attribute("data-eye", "confirm")
        for _ in console.locator(".compared li").all()[:-1]:
            console.locator("#under-loupe[data-seen]").wait_for(state="attached")
            console.keyboard.press("s")  # the last one is under the loupe
        for name, (size, scheme) in CONSOLES.items():
            console.set_viewport_size(size)
            console.emulate_media(color_scheme=scheme)
            console.wait_for_timeout(DRAWN_MS)
            console.screenshot(path=folder / f"{name}.png")
        for each in (console, page):
            each.close()
        visitor.close()
    for name in CONSOLES:
        keep(name, folder / f"{name}.png")


def console_of(visitor: Visitor, address: str) -> tuple[Page, Page]:
    """Return the live page at a quarter of the speed, and the console of its dispatcher, whose shift has started."""
    page = visitor.open(address, still=False, maps=True)
    page.locator("input[name=pace][value^='0.25']").check(force=True)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Log in as the dispatcher").click()
    console = opened.value
    console.set_default_timeout(PATIENCE_SECONDS * 1000)
    console.get_by_role("link", name="Start of shift").click()
    console.get_by_role("button", name="show hits").click()
    return page, console


LIVE: Mapping[str, Callable[[Path], None]] = {
    **dict.fromkeys(CONSOLES, from_a_near_post),
    "demo-report": from_the_demonstration,
    "hit-road": from_a_desk,
    "serve": from_a_desk,
}


def main() -> None:
    """Make the pictures that are named; all if none is."""
    wanted = sys.argv[1:] or [*LIVE, *TESTS]
    with tempfile.TemporaryDirectory() as name:
        for make in dict.fromkeys(LIVE[each] for each in wanted if each in LIVE):
            make(Path(name))
        from_tests({each: TESTS[each] for each in wanted if each in TESTS}, Path(name))


if __name__ == "__main__":
    main()
