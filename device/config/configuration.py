"""The configuration of a post, put together from the tables that its subjects declare."""

from hashlib import sha256

from pydantic import Field

from platepost.common.settings import BackendSettings, Section, Table, remote_keys, unusual
from platepost.device.control.settings import ControlSettings, SoftwareSettings
from platepost.device.custody.settings import CustodySettings
from platepost.device.enrollment.settings import AcceptanceSettings, EnrollmentSettings, ServiceSettings
from platepost.device.outbox.settings import OutboxSettings
from platepost.device.recording.settings import RecordingSettings
from platepost.device.reporting.settings import ReportingSettings
from platepost.device.uplink.settings import UplinkSettings
from platepost.device.vision.settings import PassageSettings, VisionSettings
from platepost.wire.hotlist.settings import HotListSettings
from platepost.wire.records.settings import PostIdentity, RecordSettings


class Configuration(Section):
    """All that one post is told. Relative paths are relative to the file's own folder; systemd may deliver keys."""

    post: PostIdentity
    camera: BackendSettings
    board: BackendSettings = BackendSettings(backend="none")
    vision: VisionSettings = VisionSettings()
    passages: PassageSettings = PassageSettings()
    hotlist: HotListSettings
    records: RecordSettings
    outbox: OutboxSettings
    uplink: UplinkSettings
    custody: CustodySettings = CustodySettings()
    service: ServiceSettings = ServiceSettings()
    acceptance: AcceptanceSettings = AcceptanceSettings()
    control: ControlSettings | None = Field(
        default=None, description="Remote configuration and commands; without this table the post takes none."
    )
    software: SoftwareSettings = SoftwareSettings()
    reporting: ReportingSettings = ReportingSettings()
    recording: RecordingSettings = RecordingSettings()
    enrollment: EnrollmentSettings | None = Field(
        default=None, description="Renewal of the certificate; without this table a technician brings the next one."
    )

    def table(self, kind: type[Table]) -> Table:
        """Return the table of a kind, such as `VisionSettings`."""
        return next(table for table in dict(self).values() if isinstance(table, kind))

    @property
    def unusual(self) -> tuple[str, ...]:
        """The keys, as `table.key`, whose value is far from its default."""
        return unusual(self)

    @property
    def digest(self) -> str:
        """SHA-256 of the configuration in force, hexadecimal: what records call its version."""
        return sha256(self.model_dump_json().encode()).hexdigest()


REMOTE_KEYS = remote_keys(Configuration)
"""All that may be set remotely, as `table.key`."""
