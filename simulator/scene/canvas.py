"""Renders vehicles with OpenGL (a GPU, or Mesa's software renderer) to linear RGB with alpha."""

from dataclasses import dataclass
from enum import IntEnum
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


class Projection(IntEnum):
    """How `vehicle.vert` places a vehicle's points: its uniform `flatten`."""

    AS_IS = 0
    """Where they are."""
    SHADOW = 1
    """Projected onto the road along the sun's rays."""
    MIRRORED = 2
    """Mirrored below the road."""


@dataclass(frozen=True)
class PlacedVehicle:
    """A vehicle with its pose."""

    vehicle: Vehicle
    to_street: NDArray[np.float64]
    """The 4 x 4 matrix from the vehicle's axes to the street's."""
    key: int
    """Identifies the vehicle between frames."""


def _source(name: str) -> str:
    folder = files("platepost.simulator.scene") / "shaders"
    text = (folder / name).read_text("utf-8")
    return text.replace("#include light.glsl", (folder / "light.glsl").read_text("utf-8"))


def _column_major(matrix: NDArray[np.float64]) -> bytes:
    """Return a matrix as OpenGL takes it: float32, column by column."""
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
        self._plate_mask = self._gl.texture(size, 1, dtype="f1")
        self._plate_mask_frame = self._gl.framebuffer([self._plate_mask], self._gl.depth_renderbuffer(size))
        self._vehicle = self._program("vehicle.vert", "vehicle.frag")
        self._plate = self._program("vehicle.vert", "plate.frag")
        self._shadow = self._program("vehicle.vert", "shadow.frag")
        self._contact = self._program("vehicle.vert", "contact.frag")
        self._mask = self._program("vehicle.vert", "identity.frag")
        adder = self._program("screen.vert", "sum.frag")
        # One triangle that covers the screen.
        corners = self._gl.buffer(np.array([-1, -1, 3, -1, -1, 3], np.float32).tobytes())
        self._adder = self._gl.vertex_array(adder, [(corners, "2f", "corner")])
        noise = tile(np.random.default_rng(seed), size=512, grain=24, octaves=5)
        levels = np.clip(0.5 + 0.2 * noise, 0, 1)
        self._roughness = self._gl.texture((512, 512), 1, np.round(levels * 255).astype(np.uint8).tobytes())
        self._roughness.build_mipmaps()
        self._resources: dict[int, dict[str, Any]] = {}
        """GPU objects by vehicle key."""

    def close(self) -> None:
        """Release the context; a second call does nothing."""
        if self._gl is not None:
            self._resources.clear()
            self._gl.release()
            self._gl = None

    def _program(self, vertex: str, fragment: str) -> Any:
        return self._gl.program(vertex_shader=_source(vertex), fragment_shader=_source(fragment))

    @staticmethod
    def _set(program: Any, **values: Any) -> None:
        for name, value in values.items():
            if name in program:  # the compiler removes unused uniforms
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

    def release_except(self, keep: set[int]) -> None:
        """Free the GPU objects of all vehicles but these."""
        for key in [key for key in self._resources if key not in keep]:
            for resource in self._resources.pop(key).values():
                resource.release()

    def _prepare(self, placed: PlacedVehicle) -> dict[str, Any]:
        if placed.key in self._resources:
            return self._resources[placed.key]
        vehicle = placed.vehicle
        vertices = self._gl.buffer(vehicle.mesh.vertices.tobytes())
        triangles = self._gl.buffer(vehicle.mesh.triangles.tobytes())
        # The vertex format: position 3f, normal 3f, texture 2f, material 1f.
        layout = [(vertices, "3f 3f 2f 1f", "position", "normal", "skin", "material")]
        positions_only = [(vertices, "3f 24x", "position")]
        corners = vehicle.plate_corners
        normal = np.cross(corners[1] - corners[0], corners[3] - corners[0])
        normal *= -np.sign(normal[2]) / np.linalg.norm(normal)
        uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
        quad = np.concatenate([corners, np.repeat(normal[None], 4, 0), uv, np.zeros((4, 1))], axis=1)
        plate = self._gl.buffer(quad.astype(np.float32).tobytes())
        quad_indices = self._gl.buffer(np.array([0, 1, 2, 0, 2, 3], np.int32).tobytes())
        form = vehicle.body
        reach_x, reach_z = form.half_width + 0.9, form.length / 2 + 0.9
        ground_corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [reach_x, reach_z]
        flat = np.concatenate(
            [
                ground_corners[:, :1],
                np.full((4, 1), 0.0),
                ground_corners[:, 1:] + form.length / 2,
                np.zeros((4, 3)),
                ground_corners,
                np.zeros((4, 1)),
            ],
            axis=1,
        )
        floor = self._gl.buffer(flat.astype(np.float32).tobytes())
        plate_format = [(plate, "3f 3f 2f 4x", "position", "normal", "skin")]
        floor_format = [(floor, "3f 12x 2f 4x", "position", "skin")]
        ready = {
            "body": self._gl.vertex_array(self._vehicle, layout, triangles),
            "shadow": self._gl.vertex_array(self._shadow, positions_only, triangles),
            "mask": self._gl.vertex_array(self._mask, positions_only, triangles),
            "plate": self._gl.vertex_array(self._plate, plate_format, quad_indices),
            "plate_mask": self._gl.vertex_array(self._mask, [(plate, "3f 24x", "position")], quad_indices),
            "contact": self._gl.vertex_array(self._contact, floor_format, quad_indices),
            "color": self._texture(vehicle.skin.bytes_color()),
            "finish": self._texture(vehicle.skin.bytes_finish()),
            "relief": self._texture(vehicle.skin.normals()),
            "plate_picture": self._texture(vehicle.plate),
            "vertices": vertices, "triangles": triangles, "quad": plate, "quad_indices": quad_indices, "floor": floor,
        }  # fmt: skip
        self._resources[placed.key] = ready
        return ready

    def _set_lighting(self, light: Lighting, sun: NDArray[np.float64]) -> None:
        common = {
            "eye": tuple(self.lens.position), "sun": tuple(sun), "sun_light": light.sun, "zenith": light.zenith,
            "horizon": light.horizon, "ground": light.ground, "trees": light.trees, "overcast": light.overcast,
            "infrared": float(light.infrared), "lamp_power": light.lamp_power, "rough": 0,
        }  # fmt: skip
        for program in (self._vehicle, self._plate, self._shadow):
            self._set(program, **common)
        self._roughness.use(0)

    def _draw_bodies(
        self, vehicles: list[PlacedVehicle], frame: bytes, light: Lighting, *, lamps: float, projection: Projection
    ) -> None:
        self._set(self._vehicle, frame=frame, flatten=projection, color=1, finish=2, relief=3)
        self._set(self._plate, frame=frame, flatten=projection, color=1)
        # Depth pre-pass, so that the costly shader runs once per pixel.
        self._set(self._mask, frame=frame, flatten=projection)
        self._sample_frame.color_mask = (False, False, False, False)
        for placed in vehicles:
            self._set(self._mask, street=_column_major(placed.to_street))
            self._prepare(placed)["mask"].render()
        self._sample_frame.color_mask = (True, True, True, True)
        for placed in vehicles:
            ready, vehicle = self._prepare(placed), placed.vehicle
            form, street = vehicle.body, _column_major(placed.to_street)
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

    def _draw_shadows(self, vehicles: list[PlacedVehicle], frame: bytes, light: Lighting) -> None:
        gl = self._gl
        gl.disable(moderngl.DEPTH_TEST)
        gl.enable(moderngl.BLEND)
        gl.blend_equation = moderngl.MAX
        sun = np.array(light.sun).mean() * light.towards_sun[1]
        sky = 0.6 * np.mean(light.zenith) + 0.4 * np.mean(light.horizon)
        sun_share = float(sun / (sun + sky + 1e-9))
        self._set(self._shadow, frame=frame, flatten=Projection.SHADOW, density=sun_share)
        self._set(
            self._contact,
            frame=frame,
            flatten=Projection.AS_IS,
            density=1 - (1 - sun_share) * 0.35 if sun_share > 0.5 else 0.72,
        )
        for placed in vehicles:
            ready, form = self._prepare(placed), placed.vehicle.body
            if sun_share > 0.02:
                self._set(self._shadow, street=_column_major(placed.to_street))
                ready["shadow"].render()
            self._set(
                self._contact,
                street=_column_major(placed.to_street),
                half_size=(form.half_width - 0.05, form.length / 2 - 0.15),
            )
            ready["contact"].render()
        gl.blend_equation = moderngl.FUNC_ADD
        gl.disable(moderngl.BLEND)
        gl.enable(moderngl.DEPTH_TEST)

    def draw(
        self, moments: list[list[PlacedVehicle]], light: Lighting, *, lamps: float, rng: np.random.Generator
    ) -> Picture:
        """Render one exposure with motion blur: the mean of `moments`, the vehicles' poses at instants of the exposure.

        Returns premultiplied linear RGB and alpha, H x W x 4.
        """
        gl = self._gl
        self._sum_frame.use()
        self._sum_frame.clear()
        count = len(moments)
        order = rng.permutation(count)
        self._set(self._adder.program, weight=1 / count, sample_=0)
        for number, vehicles in enumerate(moments):
            # Stratified jitter within a pixel: each row and each column once.
            jitter = ((number + 0.5) / count - 0.5, (order[number] + 0.5) / count - 0.5)
            frame = _column_major(self.lens.matrix(jitter))
            sun = light.towards_sun + rng.normal(0, 0.012, 3)
            self._set_lighting(light, sun / np.linalg.norm(sun))
            self._sample_frame.use()
            self._sample_frame.clear(0, 0, 0, 0, depth=1.0)
            gl.enable(moderngl.DEPTH_TEST)
            self._draw_shadows(vehicles, frame, light)
            self._draw_bodies(vehicles, frame, light, lamps=lamps, projection=Projection.AS_IS)
            self._accumulate()
        return self._read()

    def mirror(self, vehicles: list[PlacedVehicle], light: Lighting, *, lamps: float) -> Picture:
        """Render the vehicles' reflection in a perfectly mirroring road."""
        self._set_lighting(light, light.towards_sun)
        self._sample_frame.use()
        self._sample_frame.clear(0, 0, 0, 0, depth=1.0)
        self._gl.enable(moderngl.DEPTH_TEST)
        frame = _column_major(self.lens.matrix())
        self._draw_bodies(vehicles, frame, light, lamps=lamps, projection=Projection.MIRRORED)
        self._sum_frame.use()
        self._sum_frame.clear()
        self._set(self._adder.program, weight=1.0, sample_=0)
        self._accumulate()
        return self._read()

    def _accumulate(self) -> None:
        gl = self._gl
        self._sum_frame.use()
        gl.disable(moderngl.DEPTH_TEST)
        gl.enable(moderngl.BLEND)
        gl.blend_func = moderngl.ONE, moderngl.ONE
        self._sample.use(0)
        self._adder.render()
        gl.disable(moderngl.BLEND)
        self._roughness.use(0)  # the vehicle shaders expect it in unit 0

    def _read(self) -> Picture:
        data = np.frombuffer(self._sum_frame.read(components=4, dtype="f4"), np.float32)
        return np.ascontiguousarray(data.reshape(self.lens.height, self.lens.width, 4)[::-1])

    def visible(self, vehicles: list[PlacedVehicle]) -> list[float]:
        """Return, for each vehicle, the share of its plate's pixels in the frame that no vehicle occludes."""
        frame = _column_major(self.lens.matrix())
        self._set(self._mask, frame=frame, flatten=Projection.AS_IS)
        shares = []
        for target in vehicles:
            counts = []
            for others in (True, False):
                self._plate_mask_frame.use()
                self._plate_mask_frame.clear(0, 0, 0, 0, depth=1.0)
                self._gl.enable(moderngl.DEPTH_TEST)
                if others:
                    self._set(self._mask, identity=0.0)
                    for placed in vehicles:
                        self._set(self._mask, street=_column_major(placed.to_street))
                        self._prepare(placed)["mask"].render()
                self._set(self._mask, identity=1.0, street=_column_major(target.to_street))
                self._prepare(target)["plate_mask"].render()
                pixels = np.frombuffer(self._plate_mask_frame.read(components=1, dtype="f1", alignment=1), np.uint8)
                counts.append(int((pixels > 127).sum()))
            shares.append(counts[0] / counts[1] if counts[1] else 0.0)
        return shares
