"""One suite over every broker, and the table of what it found."""

from collections.abc import Iterator

import pytest

from tests.conformance.stands import Stand, make

BROKERS = ("mosquitto", "rabbitmq", "nats")
WORDS = {"passed": "yes", "failed": "FAILED", "skipped": "-"}
CELLS = pytest.StashKey[dict[tuple[str, str], str]]()


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


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Take what the table should say of a test in place of `yes`."""
    words: list[str] = []
    yield words
    request.node.user_properties.extend(("note", word) for word in words)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep what came of each test for the table."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    broker = getattr(item, "callspec", None) and item.callspec.params.get("running")
    if broker is None:
        return
    cells = item.config.stash.setdefault(CELLS, {})
    check = item.originalname.removeprefix("test_").replace("_s_", "'s ").replace("_", " ")
    if report.when == "teardown":
        notes = [str(text) for key, text in item.user_properties if key == "note"]
        if notes and cells.get((check, broker)) == "yes":
            cells[check, broker] = notes[0]
    elif cells.get((check, broker)) == WORDS["failed"]:
        return  # a check with several cases is as good as its worst
    elif report.when == "call" or report.outcome != "passed":
        cells[check, broker] = WORDS[report.outcome]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table: brokers by checks."""
    cells = config.stash.get(CELLS, None)
    if not cells:
        return
    terminalreporter.section("brokers")
    terminalreporter.line("| check | " + " | ".join(BROKERS) + " |")
    terminalreporter.line("|---" * (1 + len(BROKERS)) + "|")
    for check in dict.fromkeys(check for check, _ in cells):
        row = " | ".join(cells.get((check, broker), "-") for broker in BROKERS)
        terminalreporter.line(f"| {check} | {row} |")
