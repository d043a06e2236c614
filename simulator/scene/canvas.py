"""Draws vehicles with OpenGL (a card, or Mesa's software driver) into linear light with alpha."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from platepost.simulator.errors import NoGraphicsError
from platepost.simulator.scene.light import Lighting
from platepost.simulator.scene.noise import tile
from platepost.simulator.scene.pinhole import Pinhole
from platepost.simulator.scene.skin import REACH
from platepost.simulator.scene.vehicles import Vehicle

Picture = NDArray[np.float32]
_EGL: dict[str, Any] = {"backend": "egl"}
_AS_IS, _CAST, _MIRRORED = 0.0, 1.0, 2.0


@dataclass(frozen=True)
class Placed:
    """A vehicle and where it is: the 4 x 4 matrix from its axes to the street's."""

    vehicle: Vehicle
    street: NDArray[np.float64]
    key: int


def _source(name: str) -> str:
    folder = files("platepost.simulator.scene") / "shaders"
    text = (folder / name).read_text("utf-8")
    return text.replace("#include light.glsl", (folder / "light.glsl").read_text("utf-8"))


def _bytes(matrix: NDArray[np.float64]) -> bytes:
    return np.ascontiguousarray(matrix.T, np.float32).tobytes()


class Canvas:
    """An off-screen surface of the lens's size. Call `close` when done.

    Raises NoGraphicsError when no OpenGL 3.3 context can be made (Debian: libegl1 and libgl1-mesa-dri give one).
    """

    def __init__(self, lens: Pinhole, *, seed: int) -> None:
        self.lens = lens
        try:
            self._gl: Any = moderngl.create_context(standalone=True, require=330, **_EGL)
        except Exception as error:
            raise NoGraphicsError(
                f"no OpenGL context: {error}; on Debian, apt-get install libegl1 libgl1-mesa-dri gives one",
            ) from error
        self._gl.depth_func = "<="  # the second pass shades what the depth pass left
        size = (lens.width, lens.height)
        self._sample = self._gl.texture(size, 4, dtype="f2")
        self._sample_frame = self._gl.framebuffer([self._sample], self._gl.depth_renderbuffer(size))
        self._sum = self._gl.texture(size, 4, dtype="f4")
        self._sum_frame = self._gl.framebuffer([self._sum])
        self._count = self._gl.texture(size, 1, dtype="f1")
        self._count_frame = self._gl.framebuffer([self._count], self._gl.depth_renderbuffer(size))
        self._vehicle = self._program("vehicle.vert", "vehicle.frag")
        self._plate = self._program("vehicle.vert", "plate.frag")
        self._shadow = self._program("vehicle.vert", "shadow.frag")
        self._contact = self._program("vehicle.vert", "contact.frag")
        self._identity = self._program("vehicle.vert", "identity.frag")
        adder = self._program("screen.vert", "sum.frag")
        corners = self._gl.buffer(np.array([-1, -1, 3, -1, -1, 3], np.float32).tobytes())
        self._adder = self._gl.vertex_array(adder, [(corners, "2f", "corner")])
        field = tile(np.random.default_rng(seed), size=512, grain=24, octaves=5)
        levels = np.clip(0.5 + 0.2 * field, 0, 1)
        self._rough = self._gl.texture((512, 512), 1, np.round(levels * 255).astype(np.uint8).tobytes())
        self._rough.build_mipmaps()
        self._ready: dict[int, dict[str, Any]] = {}

    def close(self) -> None:
        """Give the context back; may be called twice."""
        if self._gl is not None:
            self._ready.clear()
            self._gl.release()
            self._gl = None

    def _program(self, vertex: str, fragment: str) -> Any:
        return self._gl.program(vertex_shader=_source(vertex), fragment_shader=_source(fragment))

    @staticmethod
    def _set(program: Any, **values: Any) -> None:
        for name, value in values.items():
            if name in program:
                if isinstance(value, bytes):
                    program[name].write(value)
                else:
                    program[name].value = value

    def _texture(self, picture: NDArray[np.uint8]) -> Any:
        height, width = picture.shape[:2]
        channels = 1 if picture.ndim == 2 else picture.shape[2]
        texture = self._gl.texture((width, height), channels, np.ascontiguousarray(picture).tobytes(), alignment=1)
        texture.build_mipmaps()
        texture.filter = (self._gl.LINEAR_MIPMAP_LINEAR, self._gl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        return texture

    def forget(self, keep: set[int]) -> None:
        """Release what belongs to vehicles that have gone."""
        for key in [key for key in self._ready if key not in keep]:
            for thing in self._ready.pop(key).values():
                thing.release()

    def _prepare(self, placed: Placed) -> dict[str, Any]:
        if placed.key in self._ready:
            return self._ready[placed.key]
        vehicle = placed.vehicle
        vertices = self._gl.buffer(vehicle.mesh.vertices.tobytes())
        triangles = self._gl.buffer(vehicle.mesh.triangles.tobytes())
        layout = [(vertices, "3f 3f 2f 1f", "position", "normal", "skin", "material")]
        bare = [(vertices, "3f 24x", "position")]
        corners = vehicle.plate_corners
        normal = np.cross(corners[1] - corners[0], corners[3] - corners[0])
        normal *= -np.sign(normal[2]) / np.linalg.norm(normal)
        uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
        quad = np.concatenate([corners, np.repeat(normal[None], 4, 0), uv, np.zeros((4, 1))], axis=1)
        plate = self._gl.buffer(quad.astype(np.float32).tobytes())
        fan = self._gl.buffer(np.array([0, 1, 2, 0, 2, 3], np.int32).tobytes())
        form = vehicle.body
        reach_x, reach_z = form.half_width + 0.9, form.length / 2 + 0.9
        base = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [reach_x, reach_z]
        flat = np.concatenate(
            [
                base[:, :1],
                np.full((4, 1), 0.0),
                base[:, 1:] + form.length / 2,
                np.zeros((4, 3)),
                base,
                np.zeros((4, 1)),
            ],
            axis=1,
        )
        floor = self._gl.buffer(flat.astype(np.float32).tobytes())
        ready = {
            "body": self._gl.vertex_array(self._vehicle, layout, triangles),
            "shadow": self._gl.vertex_array(self._shadow, bare, triangles),
            "mask": self._gl.vertex_array(self._identity, bare, triangles),
            "plate": self._gl.vertex_array(self._plate, [(plate, "3f 3f 2f 4x", "position", "normal", "skin")], fan),
            "plate_mask": self._gl.vertex_array(self._identity, [(plate, "3f 24x", "position")], fan),
            "contact": self._gl.vertex_array(self._contact, [(floor, "3f 12x 2f 4x", "position", "skin")], fan),
            "color": self._texture(vehicle.skin.bytes_color()),
            "finish": self._texture(vehicle.skin.bytes_finish()),
            "relief": self._texture(vehicle.skin.normals()),
            "plate_picture": self._texture(vehicle.plate),
            "vertices": vertices, "triangles": triangles, "quad": plate, "fan": fan, "floor": floor,
        }  # fmt: skip
        self._ready[placed.key] = ready
        return ready

    def _light(self, light: Lighting, sun: NDArray[np.float64]) -> None:
        common = {
            "eye": tuple(self.lens.position), "sun": tuple(sun), "sun_light": light.sun, "zenith": light.zenith,
            "horizon": light.horizon, "ground": light.ground, "trees": light.trees, "overcast": light.overcast,
            "infrared": float(light.infrared), "lamp_power": light.lamp_power, "rough": 0,
        }  # fmt: skip
        for program in (self._vehicle, self._plate, self._shadow):
            self._set(program, **common)
        self._rough.use(0)

    def _draw_bodies(self, vehicles: list[Placed], frame: bytes, light: Lighting, *, lamps: float, how: float) -> None:
        self._set(self._vehicle, frame=frame, flatten=how, color=1, finish=2, relief=3)
        self._set(self._plate, frame=frame, flatten=how, color=1)
        # Depth first, so that the costly shading runs once a pixel.
        self._set(self._identity, frame=frame, flatten=how)
        self._sample_frame.color_mask = (False, False, False, False)
        for placed in vehicles:
            self._set(self._identity, street=_bytes(placed.street))
            self._prepare(placed)["mask"].render()
        self._sample_frame.color_mask = (True, True, True, True)
        for placed in vehicles:
            ready, vehicle = self._prepare(placed), placed.vehicle
            form, street = vehicle.body, _bytes(placed.street)
            tint = (0.9, 0.9, 0.9) if light.infrared else vehicle.lamp_tint
            paint = vehicle.paint
            self._set(
                self._vehicle, street=street, extent=(REACH, vehicle.skin.top), paint=paint, flake=vehicle.flake,
                paint_coat=vehicle.coat, belt=form.cowl, roof=form.height, lamps=lamps, lamp_tint=tint,
                axles=(*form.axles, form.tire + 0.105, form.length),
            )  # fmt: skip
            for unit, name in ((1, "color"), (2, "finish"), (3, "relief")):
                ready[name].use(unit)
            ready["body"].render()
            ready["plate_picture"].use(1)
            self._set(self._plate, street=street, retro=1.0 if vehicle.retroreflective else 0.12, shade=0.96)
            ready["plate"].render()

    def _draw_shadows(self, vehicles: list[Placed], frame: bytes, light: Lighting) -> None:
        gl = self._gl
        gl.disable(moderngl.DEPTH_TEST)
        gl.enable(moderngl.BLEND)
        gl.blend_equation = moderngl.MAX
        sun = np.array(light.sun).mean() * light.towards_sun[1]
        sky = 0.6 * np.mean(light.zenith) + 0.4 * np.mean(light.horizon)
        share = float(sun / (sun + sky + 1e-9))
        self._set(self._shadow, frame=frame, flatten=_CAST, density=share)
        self._set(self._contact, frame=frame, flatten=_AS_IS, density=1 - (1 - share) * 0.35 if share > 0.5 else 0.72)
        for placed in vehicles:
            ready, form = self._prepare(placed), placed.vehicle.body
            if share > 0.02:
                self._set(self._shadow, street=_bytes(placed.street))
                ready["shadow"].render()
            self._set(
                self._contact, street=_bytes(placed.street), half_size=(form.half_width - 0.05, form.length / 2 - 0.15)
            )
            ready["contact"].render()
        gl.blend_equation = moderngl.FUNC_ADD
        gl.disable(moderngl.BLEND)
        gl.enable(moderngl.DEPTH_TEST)

    def draw(self, moments: list[list[Placed]], light: Lighting, *, lamps: float, rng: np.random.Generator) -> Picture:
        """Draw the mean of the moments, the vehicles' places at instants of one exposure.

        Returns premultiplied light and alpha, H x W x 4.
        """
        gl = self._gl
        self._sum_frame.use()
        self._sum_frame.clear()
        count = len(moments)
        order = rng.permutation(count)
        self._set(self._adder.program, weight=1 / count, sample_=0)
        for number, vehicles in enumerate(moments):
            jitter = ((number + 0.5) / count - 0.5, (order[number] + 0.5) / count - 0.5)
            frame = _bytes(self.lens.matrix(jitter))
            sun = light.towards_sun + rng.normal(0, 0.012, 3)
            self._light(light, sun / np.linalg.norm(sun))
            self._sample_frame.use()
            self._sample_frame.clear(0, 0, 0, 0, depth=1.0)
            gl.enable(moderngl.DEPTH_TEST)
            self._draw_shadows(vehicles, frame, light)
            self._draw_bodies(vehicles, frame, light, lamps=lamps, how=_AS_IS)
            self._add()
        return self._read()

    def mirror(self, vehicles: list[Placed], light: Lighting, *, lamps: float) -> Picture:
        """Give the vehicles as a wet road would show them, were it a perfect mirror."""
        self._light(light, light.towards_sun)
        self._sample_frame.use()
        self._sample_frame.clear(0, 0, 0, 0, depth=1.0)
        self._gl.enable(moderngl.DEPTH_TEST)
        self._draw_bodies(vehicles, _bytes(self.lens.matrix()), light, lamps=lamps, how=_MIRRORED)
        self._sum_frame.use()
        self._sum_frame.clear()
        self._set(self._adder.program, weight=1.0, sample_=0)
        self._add()
        return self._read()

    def _add(self) -> None:
        gl = self._gl
        self._sum_frame.use()
        gl.disable(moderngl.DEPTH_TEST)
        gl.enable(moderngl.BLEND)
        gl.blend_func = moderngl.ONE, moderngl.ONE
        self._sample.use(0)
        self._adder.render()
        gl.disable(moderngl.BLEND)
        self._rough.use(0)

    def _read(self) -> Picture:
        data = np.frombuffer(self._sum_frame.read(components=4, dtype="f4"), np.float32)
        return np.ascontiguousarray(data.reshape(self.lens.height, self.lens.width, 4)[::-1])

    def visible(self, vehicles: list[Placed]) -> list[float]:
        """Of each vehicle's plate, the share of its pixels inside the frame that nothing stands before."""
        frame = _bytes(self.lens.matrix())
        self._set(self._identity, frame=frame, flatten=_AS_IS)
        shares = []
        for target in vehicles:
            counts = []
            for others in (True, False):
                self._count_frame.use()
                self._count_frame.clear(0, 0, 0, 0, depth=1.0)
                self._gl.enable(moderngl.DEPTH_TEST)
                if others:
                    self._set(self._identity, identity=0.0)
                    for placed in vehicles:
                        self._set(self._identity, street=_bytes(placed.street))
                        self._prepare(placed)["mask"].render()
                self._set(self._identity, identity=1.0, street=_bytes(target.street))
                self._prepare(target)["plate_mask"].render()
                pixels = np.frombuffer(self._count_frame.read(components=1, dtype="f1", alignment=1), np.uint8)
                counts.append(int((pixels > 127).sum()))
            shares.append(counts[0] / counts[1] if counts[1] else 0.0)
        return shares
