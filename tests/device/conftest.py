"""Whatever a test of the post records keeps the contract, whether the test looks at it or not."""

import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from platepost.wire.contract.schema import event_schema
from platepost.wire.records import Envelope, Recorder
from platepost.wire.records.envelope import EVENTS

A_KIND_A_TEST = 10
"""Campaigns make thousands alike; validating each would take longer than they."""


@pytest.fixture(scope="session")
def validators() -> dict[str, Draft202012Validator]:
    checker = Draft202012Validator.FORMAT_CHECKER
    return {kind: Draft202012Validator(event_schema(kind), format_checker=checker) for kind in EVENTS}


@pytest.fixture(autouse=True)
def contract_kept(monkeypatch: pytest.MonkeyPatch, validators: dict[str, Draft202012Validator]) -> Iterator[None]:
    seal: Callable[..., Envelope] = Recorder._seal
    seen: Counter[str] = Counter()
    faults: list[str] = []

    def checked(recorder: Recorder, *given: object, **named: object) -> Envelope:
        envelope = seal(recorder, *given, **named)
        seen[envelope.type] += 1
        if seen[envelope.type] <= A_KIND_A_TEST:
            found = validators[envelope.type].iter_errors(envelope.event)
            faults.extend(f"{envelope.type}: {error.json_path}: {error.message}" for error in found)
        return envelope

    monkeypatch.setattr(Recorder, "_seal", checked)
    yield
    assert faults == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which is soon full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can only be mounted by root, outside a container that forbids it")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
