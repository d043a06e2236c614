"""The configuration file that provisioning writes for one post."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

from platepost.device import backends
from platepost.device.config import parse
from platepost.wire.records import CustodianTerms

Setting = str | int | float | bool | Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class PostSettings:
    """What a post's configuration says beyond its name: where it stands, what it looks through, whom it reports to."""

    brokers: tuple[str, ...]
    """`host:port`, the first one first."""
    site: str = ""
    """Location in words, as dispatch knows it."""
    latitude: float | None = None
    longitude: float | None = None
    """Degrees, WGS 84."""
    heading_degrees: float | None = None
    """Where the camera looks, clockwise from true north."""
    camera: str = "picamera2"
    camera_settings: Mapping[str, Setting] = field(default_factory=dict)
    board: str = "none"
    acceptance: bool = False
    """Whether a technician must accept the post before it reads."""
    enrolled: bool = False
    """Whether the unit makes its keys itself, which lie in a folder of their own."""
    renewal: str | None = None
    """`host:port` where the post renews its certificate."""
    more: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    """Further keys by section, such as `{"records": {"read_overview": True}}`; `platepost.device.config` has them
    all."""


def custodian_key_file(name: str) -> str:
    """Return the name of the file, beside `post.toml`, with the public key of a custodian's receipts."""
    return f"custody-{name}.pem"


def post_file(*, agency: str, name: str, settings: PostSettings, custodians: Sequence[CustodianTerms] = ()) -> str:
    """Return the text of `post.toml`; the paths of its keys are relative to the post's own folder."""
    keys = "keys/" if settings.enrolled else ""
    # The post itself replaces its certificate, and may write into its state only.
    certificate = "state/certificate.pem" if settings.enrolled else "certificate.pem"
    place = {
        "site": settings.site,
        "latitude": settings.latitude,
        "longitude": settings.longitude,
        "heading_degrees": settings.heading_degrees,
    }
    tables: dict[str, dict[str, Setting]] = {
        "post": {"agency": agency, "name": name, **{key: value for key, value in place.items() if value is not None}},
        "camera": {"backend": settings.camera},
        f"camera.{settings.camera}": dict(settings.camera_settings),
        "board": {"backend": settings.board},
        "hotlist": {
            "directory": "state/hotlist",
            "issuer_key": "issuer_key.pem",
            "unseal_key": f"{keys}unseal_key.pem",
        },
        "records": {"signing_key": f"{keys}signing_key.pem"},
        "outbox": {"path": "state/outbox.db", "key_file": f"{keys}outbox.key"},
        "control": {
            "directory": "state/control",
            "configuration_key": "configuration_key.pem",
            "operators_ca": "ca.pem",
        },
        "recording": {"allowed": False, "directory": "state/recordings"},
        "uplink": {
            "brokers": settings.brokers,
            "ca": "ca.pem",
            "certificate": certificate,
            "private_key": f"{keys}private_key.pem",
        },
    }
    if settings.acceptance:
        tables["acceptance"] = {"file": "state/acceptance.jws"}
    if settings.renewal is not None:
        tables["enrollment"] = {"office": settings.renewal}
    for section, more in settings.more.items():
        tables.setdefault(section, {}).update(more)
    blocks = ["# Made by `platepost provision post`. Relative paths are relative to this file's folder."]
    for section, table in tables.items():
        blocks.append("\n".join([f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]))
    for terms in custodians:
        fields = {"name": terms.name, "key": custodian_key_file(terms.name), "groups": terms.groups}
        lines = (f"{key} = {_toml(value)}" for key, value in fields.items())
        blocks.append("\n".join(["[[custody.custodians]]", *lines]))
    return "\n\n".join(blocks) + "\n"


def check(*, agency: str, name: str, settings: PostSettings) -> None:
    """Check what a post's file would say, as the post itself will, so far as that can be done without its hardware.

    Raises:
        ConfigurationError: naming for each fault the key, its value, and what would be right.
        BackendError: there is no such camera or board.

    """
    text = post_file(agency=agency, name=name, settings=settings)
    fields = parse(tomllib.loads(text), folder=Path("/"), origin="the post's configuration")
    backends.check_camera(fields.camera.backend, fields.camera.settings)
    backends.check_board(fields.board.backend, fields.board.settings)


def _toml(value: Setting) -> str:
    """Write one value as TOML: strings, numbers, booleans and arrays are JSON's, except DEL, inf and nan."""
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
