"""Every key of the configuration file, table by table: what it says, its bounds, and what holds without it."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from device.hotlist.store import SIZE_JUMP
from device.secrets.credentials import PRIVATE
from device.vision.detector import MINIMUM_SCORE

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""What may stand in a topic and in a certificate's name: lower-case letters, digits and hyphens."""

Address = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}$")]
"""host:port, with brackets around an IPv6 address."""


Pair = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2}$")]
"""Two characters that look alike."""


KeyPath = Annotated[Path, PRIVATE]
"""Path of a private key, which systemd may deliver instead."""


class Section(BaseModel):
    """A table of the file: unknown keys are refused, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PostSection(Section):
    """Which post this is and where it stands."""

    agency: Name = Field(description="The department, as it stands in every topic.")
    name: Name = Field(description="The post, as it stands in every topic and in its certificate.")
    site: str = Field(default="", description="Where it stands, in words.")
    latitude: float | None = Field(default=None, ge=-90, le=90, description="Degrees north, WGS 84.")
    longitude: float | None = Field(default=None, ge=-180, le=180, description="Degrees east, WGS 84.")
    heading_degrees: float | None = Field(default=None, ge=0, lt=360, description="Where it looks, from north.")


class BackendSection(BaseModel):
    """A backend by name, and a table of that name with the backend's own settings."""

    model_config = ConfigDict(extra="allow", frozen=True)

    backend: str = Field(description="Name of the backend.")

    @property
    def settings(self) -> Mapping[str, Any]:
        """The backend's own settings."""
        found = (self.model_extra or {}).get(self.backend, {})
        return dict(found)

    @model_validator(mode="after")
    def _only_tables(self) -> Self:
        for key, value in (self.model_extra or {}).items():
            if not isinstance(value, dict):
                # pydantic turns a ValueError, and no TypeError, into a fault of the file.
                raise ValueError(  # noqa: TRY004
                    f"unknown key {key!r}; the settings of a backend stand in a table of its name"
                )
        return self


class VisionSection(Section):
    """Detection and reading."""

    detector: Path | None = Field(default=None, description="Another detector.tflite than the one that ships.")
    reader: Path | None = Field(default=None, description="Another reader.tflite than the one that ships.")
    region: Path | None = Field(default=None, description="Another region.tflite than the one that ships, if one does.")
    minimum_score: float = Field(
        default=MINIMUM_SCORE, ge=0.05, le=1, description="Least score of a plate's detection."
    )
    minimum_confidence: float = Field(
        default=0.4, ge=0, le=1, description="Reads less confident than this are counted and not published."
    )
    minimum_characters: int = Field(default=4, ge=1, le=8, description="Reads shorter than this are not published.")
    motion_area: float = Field(
        default=0.002, ge=0, le=1, description="Share of the picture that must change; 0 switches the gate off."
    )
    queue_frames: int = Field(default=4, ge=1, le=64, description="Frames that may wait; more are dropped and counted.")


class PassagesSection(Section):
    """What makes one passage, and when it is safe to act on early."""

    gone_seconds: float = Field(default=1.0, gt=0, le=30, description="Unseen for so long, a passage has ended.")
    longest_seconds: float = Field(
        default=60,
        gt=0,
        description="A vehicle that stands longer is read then, and again only if nearer looks differ.",
    )
    repeat_seconds: float = Field(
        default=10, ge=0, description="The same text again within this time is the same vehicle: no second read."
    )
    sure: float = Field(default=0.98, ge=0.5, le=1, description="Confidence at which one frame alone makes a hit.")
    agreeing: int = Field(default=2, ge=2, le=50, description="Frames that must agree for an early hit otherwise.")
    agreeing_confidence: float = Field(default=0.7, ge=0, le=1, description="Least confidence of all frames together.")


class HotListSection(Section):
    """The hot list: whose, where, and how old it may be."""

    directory: Path = Field(description="Folder in which the last good package is kept.")
    issuer_key: Path = Field(description="PEM of the public key that signs the department's lists.")
    unseal_key: KeyPath = Field(description="PEM of this post's private key, to which lists are sealed.")
    warning_hours: float = Field(default=13, gt=0, description="Age at which the post warns.")
    stale_hours: float = Field(default=24, gt=0, description="Age at which the post is degraded: hotlist_stale.")
    size_jump: float = Field(
        default=SIZE_JUMP,
        gt=0,
        description="Share by which a list may differ in size from the last, unless its issuer gives a reason.",
    )
    look_alike_pairs: tuple[Pair, ...] = Field(
        default=(), max_length=16, description="Characters that look alike beyond O/0 and I/1, such as B8."
    )
    look_alike_budget: int = Field(
        default=1, ge=0, le=3, description="How many characters of a read may be taken for the other of their pair."
    )
    near_alternatives: int = Field(
        default=0, ge=0, le=8, description="How many other readings are looked up too; each one more alarms wrongly."
    )
    near_confidence: float = Field(
        default=0.1, ge=0, le=1, description="Other readings less likely than this are not looked up."
    )
    in_service_without_list: bool = Field(
        default=False, description="Read before the first current list has come; hits cannot be found then."
    )

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.stale_hours < self.warning_hours:
            raise ValueError("stale_hours must not be less than warning_hours")
        return self


class RecordsSection(Section):
    """How records are signed, and which pictures they carry."""

    signing_key: KeyPath = Field(description="PEM of this post's private signing key, ES256.")
    former_signing_key: Annotated[Path | None, PRIVATE] = Field(
        default=None,
        description="PEM of the private signing key before, which vouches for this one in the chain; delete it after.",
    )
    read_patch: bool = Field(default=True, description="Whether reads that are no hit carry the picture of the plate.")
    read_overview: bool = Field(default=False, description="Whether they carry the picture of the vehicle.")
    patch_bytes: int = Field(default=3072, ge=512, le=65536, description="Largest picture of a plate.")
    overview_bytes: int = Field(default=25600, ge=2048, le=262144, description="Largest picture of a vehicle.")
    health_seconds: float = Field(default=60, ge=1, description="How often health is published.")


class OutboxSection(Section):
    """Where records wait until the broker has them."""

    path: Path = Field(description="The encrypted database.")
    key_file: KeyPath = Field(description="File with its key, 32 bytes or 64 hexadecimal digits; not beside the data.")
    quota_megabytes: float = Field(default=1024, gt=0, description="How much disk it may take.")


class UplinkSection(Section):
    """The department's broker."""

    brokers: tuple[Address, ...] = Field(min_length=1, description="host:port, tried in order.")
    ca: Path = Field(description="PEM of the authorities that may vouch for the broker.")
    certificate: Path = Field(description="PEM of this post's certificate, whose common name is the post's name.")
    private_key: KeyPath = Field(description="PEM of the certificate's private key.")
    drain_seconds: float = Field(default=30, ge=0, description="How long stopping waits for the outbox to empty.")
    reconnect_seconds: float = Field(
        default=5,
        gt=0,
        le=120,
        description="The longest first wait before connecting anew; a fleet of thousands needs a longer one.",
    )
    session_seconds: int = Field(
        default=7 * 24 * 3600,
        ge=0,
        le=30 * 24 * 3600,
        description="How long the broker keeps what comes for this post while it is away; 0 for not at all, which "
        "spares RabbitMQ a replicated queue a post.",
    )
    settle_seconds: float = Field(
        default=10,
        ge=0,
        le=600,
        description="How long after acknowledging a record the broker must still be there before the post deletes it;"
        " at least 2 s longer than the broker waits between saving and saving again.",
    )
    may_go_unheard: tuple[Literal["read", "hit", "status", "audit"], ...] = Field(
        default=(),
        description="Kinds of records that count as delivered even if nobody subscribes to them at the broker.",
    )


class ControlSection(Section):
    """Who may configure and command this post from afar."""

    directory: Path = Field(description="Folder in which what was applied and what was asked is kept.")
    configuration_key: Path = Field(description="PEM of the public key that signs this post's configuration.")
    operators_ca: Path = Field(description="PEM of the authority that certifies those who may command this post.")
    trial_minutes: float = Field(
        default=5, gt=0, le=1440, description="How long a new configuration is watched; if it fails, the last returns."
    )


class ServiceSection(Section):
    """What a technician's commands at the unit go by; a running post does not look at it."""

    address: str = Field(
        default="127.0.0.1", description="Address of the unit's service interface, the only one that shows a page."
    )
    port: int = Field(default=8088, ge=1, le=65535, description="Port of that page.")
    minutes: float = Field(default=30, gt=0, le=240, description="After how long the page closes by itself.")
    speed_mph: float | None = Field(
        default=None,
        gt=0,
        le=150,
        description="Of passing vehicles, miles an hour; by default as the camera is set.",
    )
    shutter: float | None = Field(
        default=None, gt=0, le=1, description="How long the shutter is open, seconds; by default as the camera is set."
    )
    field_of_view: float | None = Field(
        default=None, gt=0, lt=180, description="Degrees that the picture is wide, for advice in degrees."
    )


class AcceptanceSection(Section):
    """Whether this post must be accepted by a technician before it reads."""

    file: Path | None = Field(
        default=None, description="Where the signed acceptance is; where none is named, the post reads without one."
    )


class RecordingSection(Section):
    """Recording what the camera sees: never unless allowed here, and asked for by a person who says why."""

    allowed: bool = Field(default=False, description="Whether this post may record when a person at the unit asks.")
    recipient_key: Path | None = Field(
        default=None, description="PEM of the public key that recordings are sealed to; the post cannot open them."
    )
    directory: Path = Field(default=Path("state/recordings"), description="Folder of recordings and requests.")
    colour: bool = Field(default=True, description="Whether colours are recorded too; without them it takes half.")
    longest_minutes: float = Field(default=10, gt=0, le=240, description="A recording ends by itself then.")
    largest_megabytes: float = Field(default=2000, gt=0, description="And when it is as large as this.")
    total_megabytes: float = Field(default=4000, gt=0, description="How much disk all recordings may take.")
    free_megabytes: float = Field(default=500, ge=0, description="What must remain free on the disk.")
    keep_hours: float = Field(default=72, gt=0, description="A recording that nobody fetched is deleted then.")
    least_purpose: int = Field(default=8, ge=1, le=200, description="Characters that a purpose must have.")

    @model_validator(mode="after")
    def _sealed(self) -> Self:
        if self.allowed and self.recipient_key is None:
            raise ValueError("recording is allowed, but recipient_key names nobody that recordings are sealed to")
        return self


class EnrolmentSection(Section):
    """Where this post renews its certificate, alone and in time."""

    office: Annotated[str, Field(pattern=r"^[^\s/:.]{1,63}(\.[^\s/:.]{1,63})*\.?(:[0-9]{1,5})?$")] = Field(
        description="host:port of the department's enrolment server (EST, RFC 7030)."
    )


class Configuration(Section):
    """All that one post is told. Relative paths are relative to the file's own folder; systemd may deliver keys."""

    post: PostSection
    camera: BackendSection
    board: BackendSection = BackendSection(backend="none")
    vision: VisionSection = VisionSection()
    passages: PassagesSection = PassagesSection()
    hotlist: HotListSection
    records: RecordsSection
    outbox: OutboxSection
    uplink: UplinkSection
    service: ServiceSection = ServiceSection()
    acceptance: AcceptanceSection = AcceptanceSection()
    control: ControlSection | None = Field(
        default=None, description="Remote configuration and commands; without this table the post takes none."
    )
    recording: RecordingSection = RecordingSection()
    enrolment: EnrolmentSection | None = Field(
        default=None, description="Renewal of the certificate; without this table a technician brings the next one."
    )

    @property
    def digest(self) -> str:
        """SHA-256 of the configuration in force, hexadecimal: what records call its version."""
        return sha256(self.model_dump_json().encode()).hexdigest()
