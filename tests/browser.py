"""A real browser for tests: Debian's Chromium without a window, driven by Playwright.

Its headless shell is the same engine without a desktop's part, which takes more than half of the time.

Tests that use it are marked `end_to_end`; they skip where there is no Chromium.
"""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Request,
    StorageState,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests import reaper

DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
Scheme: TypeAlias = Literal["light", "dark"]
STANDARDS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""The rules of axe-core that every page keeps, by tag."""
OF_LOOKS = ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size")
"""Of those, the rules that colors and width decide."""
PLATE = re.compile(r"(?<![0-9A-Z])[0-9][A-Z]{3}[0-9]{3}(?![0-9A-Z])", re.IGNORECASE)
"""A plate in California's form, by itself: no page has one in an address, and none is sent as a referrer."""
PATIENCE_SECONDS = 90.0
"""For an element to come or a condition to hold; a busy machine needs long, a quiet one never waits for it."""
expect.set_options(timeout=PATIENCE_SECONDS * 1000)


def chromium_path() -> str | None:
    """Return where Chromium is, its headless shell if there is one; None if it is not installed."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


SLOW = os.environ.get("PLATEPOST_SLOW_BROWSER", "")
"""Milliseconds by which each answer is late, how many times slower scripts run, and KB in a second: "500,4,60"."""


def _slow_down(page: Page) -> None:
    """Have a page find out which tests depend on a quick machine."""
    latency, rate, kilobytes = map(int, SLOW.split(","))
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    network = {"offline": False, "latency": latency, "downloadThroughput": 1000 * kilobytes, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", network)
    session.send("Emulation.setCPUThrottlingRate", {"rate": rate})


_WITHOUT_WEBGL = """
const own = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.startsWith("webgl") ? null : own.call(this, kind, ...more);
};
"""


class Visitor:
    """Opens pages, each in a profile of its own, and remembers what their scripts complained of."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        """Uncaught errors of scripts, and what they or the browser logged as an error."""
        self.state: StorageState | None = None
        """What each profile that is opened has from the start: someone's session."""

    def open(
        self, address: str, *, phone: bool = False, scheme: Scheme = "light", still: bool = True, maps: bool = False
    ) -> Page:
        """Open a page on a desktop's or a phone's width; `still` asks for no motion, as a person may.

        Without `maps` it shows the list that stands in for a map: software draws each picture of one in a second of a
        core.
        """
        made = self._browser.new_context(
            viewport=PHONE if phone else DESKTOP,
            has_touch=phone,
            color_scheme=scheme,
            reduced_motion="reduce" if still else "no-preference",
            storage_state=self.state,
            ignore_https_errors=True,  # as a technician, who compares the fingerprint
        )
        self._contexts.append(made)
        made.set_default_timeout(PATIENCE_SECONDS * 1000)
        made.on("request", self._look_for_plate)
        if not maps:
            made.add_init_script(_WITHOUT_WEBGL)
        if SLOW:
            made.on("page", _slow_down)
        page = made.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.goto(address)
        return page

    def _look_for_plate(self, request: Request) -> None:
        for text in (request.url, request.headers.get("referer", "")):
            if text.startswith("http") and PLATE.search(unquote(text)):
                self.complaints.append(f"a plate in an address: {text}")

    def forgive(self, said: str) -> None:
        """Forget complaints that a test provoked; there must be one."""
        assert any(said in complaint for complaint in self.complaints)
        self.complaints = [complaint for complaint in self.complaints if said not in complaint]

    def close(self) -> None:
        for context in self._contexts:
            context.close()


_STATE = """() => [
  document.querySelector("body > header")?.outerHTML.replaceAll(/ aria-current="[a-z]+"/g, "") ?? "",
  `${innerWidth} ${matchMedia("(prefers-color-scheme: dark)").matches}`, "axe" in window]"""
"""The page's header, how it is shown, and whether axe is there from before."""
_RUN = "([context, options]) => axe.run(context, options).then((results) => results.violations)"
_headers: set[tuple[str, str, Sequence[str]]] = set()
"""Headers in which axe found no fault, each with how it was shown and by which rules."""


def accessibility_faults(page: Page, *, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe-core finds wrong with a page by WCAG 2.2 A and AA, or by some of its rules, by element.

    Most pages have the same header, and axe sees each once in each look.
    """
    asked: dict[str, Any] = {"runOnly": {"type": "rule", "values": [*rules]} if rules else [*STANDARDS]}
    # To tell all that is right besides takes four times as long.
    asked["resultTypes"] = ["violations"]
    page.wait_for_load_state()  # a click waits until the page that it leads to begins
    header, shown, present = page.evaluate(_STATE)
    if not present:
        page.evaluate(AXE_SCRIPT)
    seen = (header, shown, tuple(rules))
    context = {"exclude": [["body > header"]]} if seen in _headers else {"include": [["html"]]}
    found = page.evaluate(_RUN, [context, asked])
    if header and not found:
        _headers.add(seen)
    return [
        f"{rule['help']}: {node['html'][:160]} {node['failureSummary']}" for rule in found for node in rule["nodes"]
    ]


def pixels_too_wide(page: Page) -> int:
    """Return by how many pixels a page, once it is loaded, is wider than its window: 0 needs no scrolling sideways."""
    page.wait_for_load_state()
    return max(0, int(page.evaluate("document.documentElement.scrollWidth - innerWidth")))


def page_faults(page: Page, name: str = "") -> list[str]:
    """Return what is wrong with a page on a desktop by day and on a phone by night: by axe, and whether it fits.

    The colors do not depend on the width, so these two see what all four would; what is there, and what it is called,
    depends on neither, and axe looks at that once. Where `PLATEPOST_SCREENSHOTS` names a
    folder, pictures of all four go there, under the given name or the page's address and first heading.
    """
    size = page.viewport_size
    scheme: Scheme = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    found = []
    looks: tuple[tuple[ViewportSize, Scheme], ...] = ((DESKTOP, "light"), (PHONE, "dark"))
    for width, shown in looks:
        _show(page, width, shown)
        found += accessibility_faults(page, rules=() if width is DESKTOP else OF_LOOKS)
        wide = pixels_too_wide(page)
        found += [f"needs scrolling sideways by {wide} pixels at a width of {width['width']}"] if wide > 0 else []
    if folder := os.environ.get("PLATEPOST_SCREENSHOTS"):
        _picture(page, Path(folder), name)
    _show(page, size or DESKTOP, scheme)
    return found


def drawn_width(picture: Locator) -> int:
    """Return how many pixels wide a picture is, once the page has loaded it; a page is there before its pictures are.

    Raises:
        playwright.sync_api.Error: the picture cannot be loaded.
    """
    width: int = picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }")
    return width


def comes_again(page: Page) -> None:
    """Make sure that a page, which another led to, is there again when it is reloaded, and by Back and Forward."""
    heading = page.locator("h1").first.inner_text()
    for leads_back in (page.reload, lambda: (page.go_back(), page.go_forward())):
        leads_back()
        assert page.locator("h1").first.inner_text() == heading
        assert PLATE.search(page.title()) is None


def _show(page: Page, size: ViewportSize, scheme: Scheme) -> None:
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme)


def _picture(page: Page, folder: Path, name: str) -> None:
    words = f"{urlsplit(page.url).path} {page.locator('h1').first.inner_text()}"
    name = name or "-".join(re.findall(r"[a-z0-9]+", words.lower()))[:80]
    again = len({*folder.glob(f"{name}-*-desktop-light.png")})
    for kind, size in (("desktop", DESKTOP), ("phone", PHONE)):
        for scheme in get_args(Scheme):
            _show(page, size, scheme)
            page.screenshot(path=folder / f"{name}-{again}-{kind}-{scheme}.png", full_page=True)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run a Chromium: while it runs, nothing can run an event loop of its own."""
    path = chromium_path()
    if path is None:
        pytest.skip("Chromium is missing: make tools")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=reaper.__file__,
            env={**os.environ, reaper.PROGRAM: path},
            args=["--no-sandbox", "--disable-dev-shm-usage"],  # CI runs as root, and the pages are our own
        )
        yield browser
        browser.close()


def report_faults(*reports: Path) -> list[str]:
    """Return what is wrong with reports, as `page_faults` does and as their scripts say, in a Chromium of their own."""
    with running_chromium() as browser, closing(Visitor(browser)) as visitor:
        found = [fault for each in reports for fault in page_faults(visitor.open(each.as_uri()), each.stem)]
        return found + visitor.complaints


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests of a file: while it runs, no test of the file can run an event loop of its own."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Visitor]:
    """Open pages in Chromium; the test fails if a page's script or the browser complained."""
    made = Visitor(chromium)
    yield made
    made.close()
    assert made.complaints == []
