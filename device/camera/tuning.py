"""How long a post bears with its camera: the figures of a unit, which a drill may hurry."""

from dataclasses import dataclass

from platepost.device.board.base import DARK_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraTuning:
    """Times after which something is done about a camera, and what is tried."""

    silent_seconds: float = 5.0
    """Age of the newest frame from which a camera counts as silent."""
    hung_seconds: float = 10.0
    """Age of the newest frame, or of the newest unlike the one before, at which a camera counts as failed."""
    frozen_seconds: float = 5.0
    """Time without any difference between frames from which they count as frozen: noise alone makes each differ."""
    encoded_frozen_seconds: float = 60.0
    """The same of a camera behind an encoder, which leaves little of the noise: some key frame of a minute shows it."""
    black_seconds: float = 10.0
    """Time without a pixel that is not black from which frames count as black."""
    dwell_seconds: float = 60.0
    """How long it must stay dark or bright: headlights pass, and a relay that clatters draws attention."""
    reopenings: tuple[float, ...] = (1.0, 3.0)
    """Seconds before each time that the camera is opened again."""
    cycles: tuple[float, ...] = (5.0, 10.0)
    """Seconds after each power cycle before the camera is opened: its supply settles, the driver finds it."""
    dark_seconds: float = DARK_SECONDS
    """How long a power cycle takes the supply away."""
    restarts: int = 2
    """Restarts of the software, since the unit booted or the camera last worked, before a reboot."""
    patience_seconds: float = 300.0
    """Between two attempts once everything was tried: what a camera costs that may never come back."""


UNIT = CameraTuning()
