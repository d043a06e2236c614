"""How the status light blinks: what a technician reads from the ground.

Nothing that the software says is steady: a light that is steadily lit or dark means that no software runs.
"""

from itertools import accumulate

from device.board.base import Light

PATTERNS: dict[Light, tuple[float, ...]] = {
    Light.OFF: (),
    Light.STARTING: (1.0, 1.0),
    Light.IN_SERVICE: (0.15, 2.85),
    Light.DEGRADED: (0.15, 0.35, 0.15, 2.35),
    Light.FAULT: (0.2, 0.2),
}
"""Seconds lit, dark, lit, dark, ... and again from the beginning; docs/hardware.md says the same to technicians."""
_SHORT = 0.5
"""Seconds up to which a light is a flash, and changes are too quick to be timed by eye."""
_NUMBERS = ("no", "one", "two", "three", "four", "five")


def lit(light: Light, seconds: float) -> bool:
    """Say whether the light is lit so many seconds after it began to show a state."""
    pattern = PATTERNS[light]
    if not pattern:
        return False
    moment = seconds % sum(pattern)
    ends = accumulate(pattern)
    return next(step for step, end in enumerate(ends) if moment < end or step == len(pattern) - 1) % 2 == 0


def described(light: Light) -> str:
    """Say what a person sees of a state, such as "one short flash every 3 s"."""
    pattern = PATTERNS[light]
    if not pattern:
        return "steadily dark"
    period, flashes = sum(pattern), len(pattern) // 2
    if len(set(pattern)) == 1:
        if pattern[0] < _SHORT:
            return f"quick and even: {1 / pattern[0]:g} changes a second"
        return f"slow and even: {pattern[0]:g} s lit, {pattern[0]:g} s dark"
    length = "short" if max(pattern[::2]) < _SHORT else "long"
    return f"{_NUMBERS[flashes]} {length} flash{'es' if flashes > 1 else ''} every {period:g} s"
