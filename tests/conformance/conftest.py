"""Suites over every broker, camera and board, and the tables of what they found."""

from collections.abc import Iterator

import pytest

from tests.conformance.boards import BOARDS, BoardStand, make_board
from tests.conformance.brought import brought
from tests.conformance.cameras import CAMERAS, CameraStand, make_camera
from tests.conformance.stands import Stand, make
from tests.conformance.table import Table
from tests.thorough import THOROUGH

BROKERS = brought("BROKER", ("mosquitto", "rabbitmq"))
SUITES = {"running": ("brokers", BROKERS), "lens": ("cameras", CAMERAS), "wired": ("boards", BOARDS)}
"""Fixture whose parameter is the implementation -> title and columns of its table."""
VARIANTS = ("gstreamer-h265", "gstreamer-tls")
"""Cameras that differ from another in what their pictures travel by: whether plates are read shows most of it."""
OF_VARIANTS = "test_plates_are_found_and_read_in_its_frames"
TABLES = pytest.StashKey[dict[str, Table]]()


@pytest.fixture(scope="session", params=BROKERS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Give a running broker, the same for all tests."""
    stand = make(request.param, tmp_path_factory.mktemp(request.param))
    with stand.broker:
        yield stand


@pytest.fixture
def stand(running: Stand) -> Iterator[Stand]:
    """Give the broker, as every test should find it."""
    running.broker.start()
    yield running
    running.end_clients()


@pytest.fixture(params=CAMERAS)
def lens(request: pytest.FixtureRequest) -> Iterator[CameraStand]:
    """Give a way to make cameras of one kind."""
    if request.param in VARIANTS and request.node.originalname != OF_VARIANTS and not THOROUGH:
        pytest.skip("PLATEPOST_THOROUGH is missing: make conformance")
    with make_camera(request.param) as stand:
        yield stand


@pytest.fixture(params=BOARDS)
def wired(request: pytest.FixtureRequest) -> Iterator[BoardStand]:
    """Give a way to make boards of one kind, and to look at their pins."""
    with make_board(request.param, lambda: request.getfixturevalue("pi")) as stand:
        yield stand


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Take what the table should say of a test in place of `yes`."""
    words: list[str] = []
    yield words
    request.node.user_properties.extend(("note", word) for word in words)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep what came of each test for its table."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    given = (getattr(item, "callspec", None) and item.callspec.params) or {}
    for fixture, (title, columns) in SUITES.items():
        if fixture in given:
            tables = item.config.stash.setdefault(TABLES, {})
            tables.setdefault(title, Table(title, columns)).take(item, given[fixture], report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the tables."""
    for table in config.stash.get(TABLES, {}).values():
        terminalreporter.section(table.title)
        for line in table.lines():
            terminalreporter.line(line)
