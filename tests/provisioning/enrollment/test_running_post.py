"""A whole post that was enrolled runs, and renews its certificate when a technician asks it to, through the broker."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from platepost.provisioning.cli import provision
from platepost.provisioning.fleet.post_file import PostSettings
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from tests.provisioning.enrollment.conftest import Department

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]
SECONDS = 60.0


@contextmanager
def running(config: Path, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a post in a process of its own."""
    program = [
        sys.executable,
        "-c",
        "from platepost.device.cli import main; main()",
        "-v",
        "run",
        "--config",
        str(config),
    ]
    with log.open("wb") as file:
        process = subprocess.Popen(program, stdout=file, stderr=file, env=os.environ, cwd=Path.cwd())
    try:
        yield process
    finally:
        process.terminate()
        process.wait(SECONDS)


def test_enrolled_post_renews_its_certificate_on_command(
    department: Department, tmp_path: Path, sparse_clip: Path
) -> None:
    with Broker(department.fleet, tmp_path / "broker") as broker:
        camera = {"path": str(sparse_clip), "loop": True}
        settings = PostSettings(brokers=(broker.address,), camera="footage", camera_settings=camera)
        secret, _ = department.registration.codes.issue(
            "post-17",
            technician="r-alvarez",
            issued_by="j-stone",
            purpose="work order 7731",
            settings=asdict(settings),
        )
        unit = department.unit("unit")
        department.enroll(unit, "post-17", secret)
        before = x509.load_pem_x509_certificate(unit.certificate_path.read_bytes())
        ask = ["command", "renew-certificate", "post-17", "--as", str(department.fleet.operator("r-alvarez"))]
        ask += ["--broker", broker.address, "--purpose", "work order 7731", "--json"]
        log = tmp_path / "log"
        with running(unit.directory / "post.toml", log):
            deadline = time.monotonic() + SECONDS
            # A command that comes before the post has said that it hears commands waits in vain.
            while "connected to" not in log.read_text():
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            while (done := CliRunner().invoke(provision, ask)).exit_code != 0:
                assert time.monotonic() < deadline, (done.output, done.exception, log.read_text())
            answer = json.loads(done.output.splitlines()[-1])
    assert (answer["outcome"], answer["signature"]) == ("done", "good")
    after = x509.load_pem_x509_certificate(unit.certificate_path.read_bytes())
    assert after.serial_number != before.serial_number
    assert after.public_key() == before.public_key()
    assert department.acts()[-1] == ("certificate_renewed", "post-17", None)
