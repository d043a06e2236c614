"""What a campaign may take for itself, each tried in a process that may lose it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaigns.faults.namespaces import Namespaces, enter_namespaces

SECLUDED = """
import encodings.idna, json, os, socket, sys
from tests.campaigns.faults.namespaces import enter_namespaces
if len(sys.argv) > 1:
    os.chroot(sys.argv[1])
missing = enter_namespaces()
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
    print(json.dumps(missing))
"""


def entered(*arguments: str) -> Namespaces:
    command = [sys.executable, "-c", SECLUDED, *arguments]
    return Namespaces(*json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout))


@pytest.mark.skipif(os.geteuid() != 0, reason="root is missing: run the tests as root")
def test_a_chroot_has_a_network_and_says_why_it_has_no_mounts(tmp_path: Path) -> None:
    missing = entered(str(tmp_path))

    assert missing.no_mounts == "cannot make private mounts: / is not a mount point: a chroot"
    assert missing.no_network == entered().no_network


@pytest.mark.skipif(os.geteuid() == 0, reason="an ordinary user is missing: run the tests as one")
def test_an_ordinary_user_has_neither_and_is_told_so() -> None:
    assert "root" in str(enter_namespaces().no_mounts)
    assert "root" in str(enter_namespaces().no_network)
