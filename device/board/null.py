"""A unit with nothing on its GPIO."""

from platepost.device.board.base import Board, Light


class NullBoard(Board):
    """The board of a unit without illuminator, tamper switch or lamp: outputs go nowhere, the case counts as closed."""

    def illuminator(self, *, on: bool) -> None:
        """There is none."""

    def status_light(self, light: Light) -> None:
        """There is none."""

    def camera_power(self, *, on: bool) -> None:
        """Do nothing: the camera is powered with the unit."""

    def tamper_open(self) -> bool:
        """Return False: nothing watches the case."""
        return False

    def close(self) -> None:
        """Nothing to release."""


class UnavailableBoard(NullBoard):
    """Stands in for a board whose pins cannot be had: plates are read all the same, and the post names the fault."""

    @property
    def failing(self) -> bool:
        """Return True."""
        return True
