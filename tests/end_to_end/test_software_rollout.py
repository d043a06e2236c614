"""Software for a fleet against a real mosquitto: posts that run what they are ordered, and those that do not."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from platepost.common.signals import current
from platepost.provisioning.cli import provision
from platepost.provisioning.commands.software import PAUSED
from platepost.provisioning.control import software_rollout
from platepost.provisioning.control.software_rollout import RolloutState, SoftwareRollout, waves_of
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.simulator.brokers.mosquitto import Broker, mosquitto_path
from platepost.wire.records import Role, Versions
from platepost.wire.records.configuration import ConfigurationState
from tests.end_to_end.test_rollout import POSTS, LightPost
from tests.provisioning.control.conftest import fleet, said

__all__ = ["fleet"]

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(mosquitto_path() is None, reason="mosquitto is missing: make tools"),
]
FORMER, NEW = "0.1.0", "0.2.0"
USUAL = {"reads": 400, "known": 220, "hits": 8, "confidence": 0.95}
STRANGE = USUAL | {"known": 2}
FIGURES = """
import json, pathlib
folder = pathlib.Path({folder!r})
fresh = {{path.name for path in folder.glob("runs-*")}}
strange = (folder / "misreads").exists()
figures = {{f"post-{{n}}": {strange} if strange and f"runs-post-{{n}}" in fresh else {usual} for n in (1, 2, 3)}}
print(json.dumps(figures) if not (folder / "few").exists() else "{{}}")
"""
"""What a department would print: posts that run the new version misread if they are to."""


class UpdatedPost(LightPost):
    """A post that runs what it is ordered, unless it is of another mind."""

    def __init__(self, made: Fleet, name: str, broker: str, mind: str, folder: Path) -> None:
        self.runs = [FORMER]
        self._folder = folder
        super().__init__(made, name, broker, mind)

    def say(self, state: str, configuration: ConfigurationState, *faults: str) -> None:
        ordered = self.told[-1].get("software", {}).get("version") if self.told else None
        if ordered is not None and self._mind != "does not install it":
            self.runs.append(ordered)
            running = self._folder / f"runs-{self._name}"
            running.touch() if ordered == NEW else running.unlink(missing_ok=True)
        versions = Versions(software=self.runs[-1], configuration="abcdef0123456789")
        new = self.runs[-1] == NEW
        faults = ("lens_blurred",) if new and self._mind == "has a new fault" else faults
        state = "degraded" if faults else state
        if new and self._mind == "stays away":
            state = "offline"
        body = said(self._fleet, self._name, state, *faults, configuration=configuration, versions=versions)
        self._client.publish(self._source.topic("status"), body, qos=1, retain=True)


class Street:
    """Three posts on one broker, and figures of what they read."""

    def __init__(self, made: Fleet, folder: Path, stack: ExitStack) -> None:
        made.add_operator("j-stone", Role.ADMINISTRATOR)
        self.fleet, self.folder = made, folder
        self.broker = stack.enter_context(Broker(made, folder / "broker"))
        self._stack = stack
        self.posts: dict[str, UpdatedPost] = {}
        (folder / "figures.py").write_text(FIGURES.format(folder=str(folder), usual=USUAL, strange=STRANGE))

    def stand(self, **minds: str) -> None:
        for name in POSTS:
            mind = minds.get(name.replace("-", "_"), "is good")
            if mind != "is away":
                self.posts[name] = UpdatedPost(self.fleet, name, self.broker.address, mind, self.folder)
                self._stack.callback(self.posts[name].close)

    def order(self, *words: str) -> tuple[int, dict[str, Any]]:
        begin = ("--version", NEW, "--canary", "post-1")
        times = ("--watch", "0.0003", "--install", "0.0015", "--away", "0.02", "--wait", "10")
        figures = f"{sys.executable} {self.folder / 'figures.py'}"
        command = ["software", "rollout", str(self.fleet.directory), *(words or begin), *times, "--figures", figures]
        command += ["--broker", self.broker.address, "--json", "--purpose", "release 0.2.0"]
        result = CliRunner().invoke(provision, command, catch_exceptions=False)
        return result.exit_code, json.loads(result.stdout.splitlines()[-1])

    @property
    def runs(self) -> dict[str, list[str]]:
        return {name: post.runs for name, post in self.posts.items()}


@pytest.fixture
def street(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Street]:
    monkeypatch.setattr(software_rollout, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(software_rollout, "LASTING_SECONDS", 0.3)
    with ExitStack() as stack:
        yield Street(fleet, tmp_path, stack)


def test_a_good_release_reaches_the_canary_and_then_all_that_are_there(street: Street) -> None:
    street.stand(post_3="is away")
    code, result = street.order()
    assert (code, result["state"], result["waves"]) == (0, "finished", [1, 1])
    assert street.runs == {"post-1": [FORMER, NEW], "post-2": [FORMER, NEW]}
    assert [act.action for act in street.fleet.acts][-2:] == ["software_rollout", "software_rolled_out"]
    assert RolloutState.load(street.fleet) is None


@pytest.mark.parametrize(
    ("mind", "why"),
    [
        ("does not install it", f"still runs {FORMER}"),
        ("has a new fault", "has: lens_blurred"),
        ("stays away", "is away"),
    ],
)
def test_a_canary_that_does_not_bear_it_gets_its_former_version(street: Street, mind: str, why: str) -> None:
    street.stand(post_1=mind)
    code, result = street.order()
    assert (code, result["state"], result["wrong"]) == (1, "taken_back", {"post-1": why})
    assert street.posts["post-1"].told[-1]["software"]["version"] == FORMER
    assert street.runs["post-2"] == street.runs["post-3"] == [FORMER]
    assert [act.action for act in street.fleet.acts][-1] == "software_rolled_back"


def test_a_release_that_misreads_and_has_no_fault_is_stopped_at_the_canary(street: Street) -> None:
    street.stand()
    (street.folder / "misreads").touch()
    code, result = street.order()
    assert (code, result["not_back"]) == (1, {})
    assert "0% of the plates are known" in result["wrong"]["post-1"]
    assert street.runs == {"post-1": [FORMER, NEW, FORMER], "post-2": [FORMER], "post-3": [FORMER]}


def test_a_release_by_which_nothing_is_read_to_judge_by_goes_no_further(street: Street) -> None:
    street.stand()
    (street.folder / "few").touch()
    code, result = street.order()
    assert code == 1
    assert "too few to judge by" in result["wrong"]["post-1"]
    assert street.runs["post-1"] == [FORMER, NEW, FORMER]


def paused_at(number: int, monkeypatch: pytest.MonkeyPatch, stop: Callable[[], object]) -> None:
    """Have a stop come when a wave, counted from 1, is watched."""
    real = SoftwareRollout._watch
    watched = 0

    def watch(made: SoftwareRollout, seconds: float) -> dict[str, str]:
        nonlocal watched
        watched += 1
        if watched == number:
            stop()
        return real(made, seconds)

    monkeypatch.setattr(SoftwareRollout, "_watch", watch)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("then", ["--resume", "--back"])
def test_a_pause_leaves_posts_as_they_are_and_can_be_ended_either_way(
    street: Street, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    street.stand()
    paused_at(2, monkeypatch, lambda: current().request())
    code, result = street.order()
    assert (code, result["paused"], result["done"]) == (PAUSED, True, 1)
    with pytest.raises(ProvisioningError, match=r"a rollout of 0\.2\.0 is under way"):
        street.order()
    code, result = street.order(then)
    state = "finished" if then == "--resume" else "taken_back"
    assert (code, result["state"], result["not_back"]) == (0, state, {})
    assert {runs[-1] for runs in street.runs.values()} == {NEW if then == "--resume" else FORMER}
    with pytest.raises(ProvisioningError, match="no rollout is paused"):
        street.order("--back")


def test_waves_are_the_canaries_then_shares_of_the_fleet_then_all() -> None:
    posts = [f"post-{number}" for number in range(1, 11)]
    assert waves_of(posts, ["post-4"], [50.0, 25.0]) == [
        ["post-4"],
        ["post-1", "post-2"],
        ["post-3", "post-5"],
        ["post-6", "post-7", "post-8", "post-9", "post-10"],
    ]
    assert waves_of(posts[:2], posts[:2], [50.0]) == [posts[:2]]
