"""A switch whose contacts bounce."""


class Debounced:
    """Believes a switch once it has rested; remembers that it was open until somebody has asked. One thread writes."""

    def __init__(self, *, rest_seconds: float) -> None:
        self._rest = rest_seconds
        self._open = False
        self._unasked = False
        self._doubt_since: float | None = None

    def sample(self, *, is_open: bool, now: float) -> None:
        """Look at the contact at `now` seconds."""
        if is_open == self._open:
            self._doubt_since = None
        elif self._doubt_since is None:
            self._doubt_since = now
        elif now - self._doubt_since >= self._rest:
            self._open = is_open
            self._unasked = self._unasked or is_open
            self._doubt_since = None

    def ask(self) -> bool:
        """Say whether it is open, or was since the last time, however shortly: an opening must not go unheard."""
        said, self._unasked = self._open or self._unasked, False
        return said
