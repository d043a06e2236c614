"""The pytest plugin by the name that it had, for who loads it by `-p simulator.fixtures`; goes with version 0.2."""

from pytest_platepost import (
    broker,
    platepost_broker,
    platepost_interpreter,
    platepost_post,
    platepost_scenario,
    post,
    scenario,
)

__all__ = [
    "broker",
    "platepost_broker",
    "platepost_interpreter",
    "platepost_post",
    "platepost_scenario",
    "post",
    "scenario",
]
