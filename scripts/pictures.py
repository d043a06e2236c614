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

import cv2
from playwright.sync_api import ViewportSize, expect

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the browser is the tests' own

from platepost.simulator.demo.clip import STREET, find_clip  # noqa: E402
from platepost.simulator.live.serve import serving  # noqa: E402
from tests.browser import PATIENCE_SECONDS, PHONE, Visitor, running_chromium  # noqa: E402

TABLET: ViewportSize = {"width": 820, "height": 1180}
NEARER_MS = 2500
"""From a hit to its picture on the road, at a quarter of the speed: the vehicle has come nearer."""
IMAGES = ROOT / "docs" / "images"
QUALITY = 75
WIDEST = 1000
DEPARTMENT = "tests/department"
TESTS = {
    "accept": ("tests/end_to_end/test_technicians_day.py", "accept-0-desktop-light"),
    "aim-desktop": ("tests/end_to_end/test_aim.py", "aim-desktop"),
    "aim-phone": ("tests/end_to_end/test_aim.py", "aim-phone"),
    "console-deaf": (f"{DEPARTMENT}/alerts/test_console_page.py", "console-deaf"),
    "policy": (f"{DEPARTMENT}/web/test_every_page.py", "policy-policy-0-desktop-light"),
    "scenario-report": ("tests/end_to_end/test_scenarios.py", "amber_alert-0-desktop-light"),
    "search": (f"{DEPARTMENT}/search/test_search_page.py", "search"),
}
"""By picture: the test that shows the page, and the name of its screenshot."""
WORDS = {
    "tests/end_to_end/test_scenarios.py": "needs_nothing_else and amber_alert",
    f"{DEPARTMENT}/alerts/test_console_page.py": "kills",
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
    """Show a hit on the road, and how a dispatcher compares it; the street is slow enough that nothing is dropped."""
    with serving([find_clip(STREET)], folder / "desk") as address, running_chromium() as browser:
        visitor = Visitor(browser)
        page = visitor.open(address, still=False)
        page.locator("input[name=pace][value^='0.25']").check(force=True)
        with page.expect_popup() as opened:
            page.get_by_role("link", name="Log in as the dispatcher").click()
        console = opened.value
        console.set_default_timeout(PATIENCE_SECONDS * 1000)
        console.get_by_role("link", name="Start of shift").click()
        console.get_by_role("button", name="I have reviewed the lists").click()
        console.locator("#queue button").first.wait_for()
        page.bring_to_front()
        page.wait_for_timeout(NEARER_MS)
        page.locator(".view").screenshot(path=folder / "road.png")
        page.screenshot(path=folder / "serve.png")
        console.bring_to_front()
        console.get_by_role("button", name="Take (t)").click()
        expect(console.locator("#hit")).to_have_attribute("data-eye", "confirm")
        for _ in console.locator(".compared li").all()[:-1]:
            console.keyboard.press("s")  # the last one is under the loupe
        console.screenshot(path=folder / "eye.png")
        for name, size, scheme in (("console-tablet-dark", TABLET, "dark"), ("console-phone-dark", PHONE, "dark")):
            console.set_viewport_size(size)
            console.emulate_media(color_scheme=scheme)
            console.screenshot(path=folder / f"{name}.png")
        for each in (console, page):
            each.close()
        visitor.close()
    phone = ("console-tablet-dark", "console-phone-dark")
    for name, shot in (
        ("hit-road", "road"),
        ("serve", "serve"),
        ("console-eye", "eye"),
        *zip(phone, phone, strict=True),
    ):
        keep(name, folder / f"{shot}.png")


LIVE: Mapping[str, Callable[[Path], None]] = {
    "console-eye": from_a_desk,
    "console-phone-dark": from_a_desk,
    "console-tablet-dark": from_a_desk,
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
