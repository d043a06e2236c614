"""A TPM in software."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from platepost.device.enrollment.keyfiles import make_held_key
from platepost.simulator.brokers.daemon import free_port
from platepost.wire.enrollment.errors import EnrollmentError

SECONDS = 60.0


@pytest.fixture
def tpm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Start swtpm; give what makes a key in it and writes the file that refers to it."""
    if shutil.which("swtpm") is None or not list(Path("/usr/lib").glob("*/ossl-modules/tpm2.so")):
        pytest.skip("swtpm or tpm2-openssl is missing: make tools")
    port = free_port()
    state = tmp_path / "tpm"
    state.mkdir()
    command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--flags", "not-need-init,startup-clear"]
    # The provider looks for the control channel one port further.
    command += ["--server", f"type=tcp,port={port}", "--ctrl", f"type=tcp,port={port + 1}"]
    monkeypatch.setenv("TPM2OPENSSL_TCTI", f"swtpm:host=127.0.0.1,port={port}")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:

        def make(path: Path) -> None:
            deadline = time.monotonic() + SECONDS
            while True:
                try:
                    return make_held_key(path)
                except EnrollmentError:  # until it listens
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)

        try:
            make(tmp_path / "first.pem")
            yield make
        finally:
            process.kill()
