"""What a scenario file refers to: clips, and the settings of posts."""

import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from platepost.common.errors import ConfigurationError
from platepost.device.config import parse
from platepost.provisioning.fleet.post_file import PostSettings, post_file
from platepost.simulator.errors import ScenarioFileError, TruthError
from platepost.simulator.scenario.clips import Stretch, find_stretch
from platepost.simulator.scenario.description import PostDescription, Scenario
from platepost.simulator.scenario.toml_files import Place


def misfits(scenario: Scenario, *, scenario_folder: Path) -> Iterator[tuple[Place, str]]:
    """Yield what a scenario refers to and is not there, or cannot be, each with its place in the file.

    Args:
        scenario: whose.
        scenario_folder: the scenario file's folder, where clips of its own lie.

    """
    for number, post in enumerate(scenario.posts):
        if post.accepted_view is not None:
            try:
                find_stretch(post.accepted_view, scenario_folder)
            except (ScenarioFileError, TruthError) as error:
                yield ("posts", number, "accepted_view"), str(error)
        yield from ((("posts", number, "settings", *key), message) for key, message in _settings(post))
    stretches: list[tuple[int, Stretch]] = []
    for number, clip in enumerate(scenario.traffic):
        try:
            stretches.append(
                (number, find_stretch(clip.clip, scenario_folder, at=clip.at, start=clip.start, end=clip.end))
            )
        except (ScenarioFileError, TruthError) as error:
            yield ("traffic", number, "clip"), str(error)
    for post in scenario.posts:
        seen = [passage for passage in stretches if scenario.traffic[passage[0]].post in {None, post.name}]
        for (_, one), (number, other) in pairwise(sorted(seen, key=lambda passage: passage[1].at)):
            if other.at < one.over:
                message = f"begins before the traffic at {one.at:g} s is over ({one.over:g} s)"
                yield ("traffic", number, "at"), f"{post.name}: {message}"


def _settings(post: PostDescription) -> Iterator[tuple[Place, str]]:
    settings = PostSettings(brokers=("localhost:8883",), camera="scenario", more=post.settings)
    text = post_file(agency="scenario", name=post.name, settings=settings)
    try:
        parse(tomllib.loads(text), folder=Path("/"), origin="settings")
    except ConfigurationError as error:
        for line in str(error).splitlines():
            keys, _, message = line.removeprefix("settings: ").partition(": ")
            key, _, value = keys.partition(" = ")
            yield tuple(key.split(".")), f"{value}: {message}" if value else message
