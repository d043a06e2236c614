"""A switch whose contacts bounce."""


class Debounced:
    """Believes a switch once it has rested; remembers that it was open until somebody has asked. One thread writes."""

    def __init__(self, *, rest_seconds: float) -> None:
        self._rest = rest_seconds
        self._open = False
        self._unasked = False
        self._contact: bool | None = None
        self._since = 0.0
        self.known = False
        """Whether the contact has ever been stable: until then it counts as closed."""

    def sample(self, *, is_open: bool, now: float) -> None:
        """Look at the contact at `now` seconds."""
        if is_open != self._contact:
            self._contact, self._since = is_open, now
        if now - self._since < self._rest:
            return
        if is_open and not self._open:
            self._unasked = True
        self._open = is_open
        self.known = True

    def ask(self) -> bool:
        """Say whether it is open, or was since the last time, however shortly: an opening must not go unheard."""
        was_open, self._unasked = self._open or self._unasked, False
        return was_open
