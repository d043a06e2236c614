"""The scene file: a TOML that says what passes a post, in what light, and how the post sees it."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from platepost.common.files import read_toml
from platepost.models.plates import DESIGNS
from platepost.simulator.errors import SceneError
from platepost.simulator.scene.light import LIGHTS
from platepost.simulator.scene.shapes import BODIES
from platepost.simulator.scene.vehicles import PAINTS

Share = Annotated[float, Field(ge=0, le=1)]
Serial = Annotated[str, Field(pattern=r"^[A-Z0-9]{2,8}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Clip(_Part):
    """The recording."""

    seed: int = Field(ge=0, description="everything that is drawn by chance follows from it")
    seconds: float = Field(gt=0, le=600)
    fps: int = Field(default=20, ge=1, le=120)
    samples: int = Field(default=6, ge=1, le=64, description="instants averaged over one exposure")
    quality: float = Field(default=23, ge=0, le=51, description="x264's constant rate factor; lower is better")


class Lens(_Part):
    """The post's camera: meters, degrees, pixels."""

    width: int = Field(default=1280, ge=64, le=4096, multiple_of=2)
    height: int = Field(default=720, ge=64, le=4096, multiple_of=2)
    focal: float = Field(default=4600, gt=0, le=100_000)
    mount: float = Field(default=2.95, gt=0.3, le=15, description="height of the lens above the road")
    offset: float = Field(default=0.0, ge=-20, le=20, description="of the lens from the middle of the road")
    pitch: float = Field(default=8.1, ge=0, le=45, description="downwards")
    yaw: float = Field(default=0.0, ge=-45, le=45)
    roll: float = Field(default=0.0, ge=-10, le=10)
    shutter: float = Field(default=0.001, gt=0, le=0.1, description="seconds")
    softness: float = Field(default=0.55, ge=0, le=5, description="of the lens, deviation in pixels")


class Weather(_Part):
    """The light and what is in the air."""

    light: str = Field(default="day", description="one of the hours and weathers of platepost.simulator.scene.light")
    later: str | None = Field(default=None, description="the light that it turns into")
    turn: tuple[float, float] = Field(default=(0.0, 0.0), description="seconds: the turn's beginning and end")
    rain: Share = 0.0
    glare: Share = 0.0
    lamps: Share = Field(default=0.25, description="of full light: what head and tail lamps give")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in (self.light, self.later or self.light):
            if name not in LIGHTS:
                raise ValueError(f"light {name!r} is not one of {', '.join(LIGHTS)}")
        return self


class Passing(_Part):
    """One vehicle that passes."""

    text: Serial
    design: str = "california_passenger"
    body: str = "saloon"
    paint: str = "silver"
    lane: Literal[1, 2] = Field(default=1, description="1: left as the post sees it; 2: right")
    at: float = Field(ge=-600, le=1200, description="seconds into the clip at which its plate is at the aim point")
    mph: float = Field(gt=0, le=120)
    direction: Literal["approaching", "receding"] = "approaching"
    shift: float = Field(default=0.0, ge=-1.0, le=1.0, description="meters right of the lane's middle")
    dirt: Share = 0.3
    seed: int | None = Field(default=None, ge=0, description="of this vehicle's looks; from the clip's when left out")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, known in ((self.design, DESIGNS), (self.body, BODIES), (self.paint, PAINTS)):
            if name not in known:
                raise ValueError(f"{name!r} is not one of {', '.join(known)}")
        return self


class Decoy(Passing):
    """What bears lettering and no plate, in a vehicle's place; what stands is all but still."""

    text: str = Field(pattern=r"^[A-Z0-9 .,&#$%'/!-]{1,20}(\n[A-Z0-9 .,&#$%'/!-]{1,20}){0,3}$")
    kind: Literal["sign", "sticker", "shirt"]


class Listed(_Part):
    """One entry of the hot list that the scene's traffic answers to; `plate` as the list spells it."""

    plate: Serial
    state: str = "CA"
    category: str
    priority: int = Field(ge=1, le=5)
    reference: str


class Pattern(_Part):
    """One partial plate: `?` for one unknown character, `*` for any number."""

    pattern: str = Field(pattern=r"^[A-Z0-9?*]{3,12}$")
    characters: int | None = Field(default=None, ge=2, le=8, description="length of the plate, where known")
    state: str = "CA"
    category: str
    priority: int = Field(ge=1, le=5)
    case: str
    author: str


class Watch(_Part):
    """The demonstration's hot list, written beside the clip."""

    seed: int = Field(ge=0)
    decoys: int = Field(default=200, ge=0, le=100_000, description="invented plates that are in no passage")
    listed: tuple[Listed, ...] = ()
    pattern: tuple[Pattern, ...] = ()


class Scene(_Part):
    """A whole scene file."""

    clip: Clip
    lens: Lens = Lens()
    weather: Weather = Weather()
    passing: tuple[Passing, ...] = ()
    decoys: tuple[Decoy, ...] = ()
    watch: Watch | None = None
    aim: float = Field(default=12.4, gt=2, le=500, description="meters from the post to the plate at the aim point")
    street: int = Field(default=3, ge=0, description="seed of the road's looks")

    @property
    def moving(self) -> tuple[Passing, ...]:
        """All that passes: the vehicles, then the decoys."""
        return *self.passing, *self.decoys


def load_scene(path: Path) -> Scene:
    """Read a scene file.

    Raises SceneError that names the key, its value and what would be right.
    """
    try:
        return Scene.model_validate(read_toml(path))
    except OSError as error:
        raise SceneError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SceneError(f"{path}: {key} = {first['input']!r}: {first['msg']}") from error
    except ValueError as error:
        raise SceneError(f"{path}: {error}") from error
