import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from platepost.common.signals import sleep
from platepost.provisioning.errors import ProvisioningError
from platepost.simulator.cli import simulate


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Have Ctrl-C do what it does in a terminal, though the tests were started with `nohup` or `&`."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_port_that_another_program_has_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        arguments = ["serve", "--directory", str(tmp_path / "live"), "--port", str(taken.getsockname()[1])]
        with pytest.raises(ProvisioningError, match=r"cannot listen on http://127\.0\.0\.1"):
            CliRunner().invoke(simulate, arguments, catch_exceptions=False)
    assert not (tmp_path / "live").exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_breaks_off_what_is_still_being_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sent: signal.Signals
) -> None:
    undone: list[bool] = []

    @contextmanager
    def making(*_clips: object, **_where: object) -> Iterator[str]:
        try:
            signal.raise_signal(sent)
            sleep(30)
            yield "http://127.0.0.1/"
        except KeyboardInterrupt:
            undone.append(True)
            raise

    monkeypatch.setattr("platepost.simulator.live.cli.serving", making)
    result = CliRunner().invoke(simulate, ["serve", "--directory", str(tmp_path / "live")])
    assert undone
    assert result.exit_code == 1
    assert "Live page" not in result.output
