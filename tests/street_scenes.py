"""Street scenes by the dozen: traffic of a given speed in a given light, to measure how much of it a post reads.

Traffic is as dense as it can be without one vehicle hiding another's plate: as one plate leaves the picture the next
one comes in, in both lanes, one towards the post and one away from it.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from platepost.models.plates import DESIGNS
from platepost.simulator.errors import SceneError
from platepost.simulator.scene.description import Clip, Decoy, Lens, Passing, Scene, Weather
from platepost.simulator.scene.shapes import BODIES
from platepost.simulator.scene.traffic import MPH
from platepost.simulator.scene.vehicles import PAINTS

CONDITIONS: Final[dict[str, Weather]] = {
    "day": Weather(light="day"),
    "dusk": Weather(light="dusk", lamps=0.6),
    "infrared": Weather(light="infrared", lamps=0.5),
    "rain": Weather(light="rain", rain=0.8, lamps=0.6),
}
SPEEDS: Final = (25, 45, 65)
"""Miles an hour."""
SHUTTER: Final = 1 / 1500
"""Seconds: within the 1/1000 to 1/2000 that is usual for plates at these speeds."""
FPS: Final = 12
"""Less than a post does: at 65 mph a plate is in view for ten frames."""
GAP: Final = 26.0
"""Meters from one plate to the next in a lane: about what the picture spans of the road."""
LEAD: Final = 26.0
"""Meters before the aim point at which the first plate comes into view."""
SHORTEST: Final = 4
"""Characters: a post publishes nothing shorter unless it is told to."""
_WAYS: Final = ("approaching", "", "receding")
"""Of the three lanes; the middle one is either's."""
_PASSENGER: Final = 0.6
"""Share of California's passenger plates; the others are shared out evenly."""
_OTHERS: Final = (
    "california_commercial", "california_exempt", "california_picture", "california_legacy", "us_plain", "us_graphic",
)  # fmt: skip


SEED: Final = 2026
"""Of the clips of a light and a speed."""
DECOY_SECONDS: Final = 1.6
_DECOY_TEXTS: Final = (
    "SPEED\nLIMIT\n35", "ROUTE 66", "EXIT 24B", "NO PARKING\n7AM-9AM", "TOW AWAY", "I-80 WEST", "MILE 104", "STOP",
    "AHEAD 500 FT", "SR 99", "LOT 7B", "BUS 4412", "UNIT 307", "CALL\n555-0142", "555 0199", "FOR SALE", "USDOT 271828",
    "CA 348817", "MC 90210", "TRUCK 12", "ACME 24/7", "PIZZA 4U", "JOE'S\nPLUMBING", "HOW AM I\nDRIVING",
    "BABY ON\nBOARD", "COEXIST", "26.2", "13.1", "OBX", "4X4", "V8 TURBO", "SALT LIFE", "I BRAKE 4", "VOTE 2028",
    "GO BEARS", "LOCAL 392", "NYC 1984", "FBI", "BRONX 718", "SURF66", "EST 1976", "TEAM 23", "CREW 07", "POLICE",
    "SECURITY", "STAFF", "CLASS\nOF 2027", "SF49ERS", "LA 2028", "ROCK N ROLL",
)  # fmt: skip
"""What is written on signs, vehicles and shirts; some of it as long as a plate's text."""

_STREAMS: Final = ((1, -0.8), (2, -1.0), (2, 0.8))
"""Lane and meters right of its middle of three lanes of traffic, 2.7 and 1.8 meters apart on a road of two."""


def drawn_scene(seed: int) -> Scene:
    """Describe the scene of a seed: six vehicles in three lanes, in some light, at 25 to 75 mph."""
    rng = np.random.default_rng([seed, 3])
    mph = int(rng.integers(25, 76))
    passing = [
        Passing(
            **_observe(rng, np.random.default_rng([seed, 3, index])),
            lane=_STREAMS[index % 3][0],
            direction=_WAYS[index % 3] or str(rng.choice(["approaching", "receding"])),
            at=(LEAD + GAP / 2 * index) / (mph * MPH),
            mph=mph,
            shift=float(np.clip(_STREAMS[index % 3][1] + rng.uniform(-0.15, 0.15), -1, 1)),
            dirt=float(rng.uniform(0.0, 0.6)),
        )
        for index in range(6)
    ]
    return _scene(passing, CONDITIONS[str(rng.choice(sorted(CONDITIONS)))], rng, _seconds(passing))


def decoy_scene(seed: int) -> Scene:
    """Describe the scene of a seed with two decoys: a vehicle with lettering passes a sign, or someone on foot."""
    rng = np.random.default_rng([seed, 4])
    mph = int(rng.integers(25, 50))
    texts = [_DECOY_TEXTS[number] for number in rng.permutation(len(_DECOY_TEXTS))[:2]]
    standing = str(rng.choice(["sign", "shirt"]))
    decoys = (
        Decoy(
            text=texts[0], kind="sticker", body=str(rng.choice(list(BODIES))), paint=str(rng.choice(list(PAINTS))),
            lane=1, at=0.9, mph=mph, direction=str(rng.choice(["approaching", "receding"])),
            shift=float(rng.uniform(-0.1, 0.4)), dirt=float(rng.uniform(0.0, 0.6)),
        ),
        Decoy(
            text=texts[1], kind=standing, lane=2, at=0.8, mph=0.01 if standing == "sign" else 3,
            shift=float(rng.uniform(-0.9, -0.5)),
        ),
    )  # fmt: skip
    weather = CONDITIONS[str(rng.choice(sorted(CONDITIONS)))]
    return _scene((), weather, rng, DECOY_SECONDS).model_copy(update={"decoys": decoys})


def campaign_scene(condition: str, mph: int, *, number: int, passages: int = 10) -> Scene:
    """Describe clip `number` of a light and a speed, with so many vehicles; the same numbers give the same scene.

    Raises:
        SceneError: no such condition.

    """
    if condition not in CONDITIONS:
        raise SceneError(f"condition {condition!r} is not one of {', '.join(CONDITIONS)}")
    rng = np.random.default_rng([SEED, sorted(CONDITIONS).index(condition), mph, number])
    speed = mph * MPH
    passing = [
        Passing(
            **_observe(rng, np.random.default_rng([SEED, mph, number, index])),
            lane=1 if index % 2 == 0 else 2,
            direction="approaching" if index % 2 == 0 else "receding",
            at=(LEAD + GAP * (index // 2) + (GAP / 2 if index % 2 else 0.0)) / speed,
            mph=mph,
            shift=float(rng.uniform(-0.3, 0.3)),
            dirt=float(rng.uniform(0.0, 0.6)),
        )
        for index in range(passages)
    ]
    return _scene(passing, CONDITIONS[condition], rng, _seconds(passing))


def _observe(rng: np.random.Generator, again: np.random.Generator) -> dict[str, str]:
    """Draw a vehicle and its plate; `again` draws the plates after one that is too short."""
    design = str(rng.choice(_OTHERS)) if rng.random() > _PASSENGER else "california_passenger"
    serial = DESIGNS[design].writer(rng)
    while len(serial) < SHORTEST:
        serial = DESIGNS[design].writer(again)
    body, paint = str(rng.choice(list(BODIES))), str(rng.choice(list(PAINTS)))
    return {"text": serial, "design": design, "body": body, "paint": paint}


def _seconds(passing: Sequence[Passing]) -> float:
    """Return how long a clip is that all of them leave before it ends."""
    return max(one.at + LEAD / (one.mph * MPH) for one in passing) + 0.2


def _scene(passing: Sequence[Passing], weather: Weather, rng: np.random.Generator, seconds: float) -> Scene:
    return Scene(
        clip=Clip(seed=int(rng.integers(1 << 30)), seconds=round(seconds, 2), fps=FPS, samples=3, quality=20),
        lens=Lens(shutter=SHUTTER, roll=0.3),
        weather=weather,
        passing=tuple(passing),
        street=int(rng.integers(100)),
    )
