"""What a running post does when an operator asks: test itself, show a frame, renew its certificate, begin anew."""

from collections.abc import Callable, Mapping
from hashlib import sha256

from pydantic import JsonValue

from device.camera.snapshot import Snapshot
from device.control.commands import Doer, Done
from device.records import Command, Finding


class Duties:
    """The post's side of each command.

    Args:
        check_up: looks at the post.
        still: hands over a frame.
        begin_anew: ends the post so that it is started again.
        renew: renews the post's certificate; None where nothing is configured to renew it by.

    """

    def __init__(
        self,
        *,
        check_up: Callable[[], tuple[Finding, ...]],
        still: Snapshot,
        begin_anew: Callable[[], None],
        renew: Doer | None = None,
    ) -> None:
        self._check_up = check_up
        self._still = still
        self._begin_anew = begin_anew
        self._renew = renew

    @property
    def doers(self) -> Mapping[Command, Doer]:
        """What is done for which command; what is not here is answered `unsupported`."""
        renewal = {} if self._renew is None else {Command.RENEW_CERTIFICATE: self._renew}
        return renewal | {
            Command.SELF_TEST: self.self_test,
            Command.STILL: self.still,
            Command.RESTART: self.restart,
        }

    def self_test(self) -> Done:
        """Look at the post point by point."""
        findings = self._check_up()
        return Done(findings=findings, details={"faulty": [found.point for found in findings if not found.good]})

    def still(self) -> Done:
        """Take the next frame.

        Raises:
            CameraError: none comes in time.
            PictureError: it cannot be made small enough.

        """
        picture = self._still.take()
        details: dict[str, JsonValue] = {
            "sha256": sha256(picture.content).hexdigest(),
            "bytes": len(picture.content),
            "width": picture.width,
            "height": picture.height,
        }
        return Done(picture=picture.content, details=details)

    def restart(self) -> Done:
        """Begin anew, once the answer is on its way."""
        return Done(afterwards=self._begin_anew)
