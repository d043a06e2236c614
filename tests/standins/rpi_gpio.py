"""A stand-in for RPi.GPIO: the surface that the device uses of it, over pins that exist in memory only.

It refuses what RPi.GPIO refuses, with the same errors. Every pin can be driven from outside and keeps a timed history
of its states, like gpiozero's MockPin::

    GPIO.pin(4).drive_low()
    [state for delta, state in GPIO.pin(17).states]

It does not simulate: edge detection, which the device does without; voltages; how exactly software PWM keeps time.
"""

from time import monotonic

BCM = 11
BOARD = 10
OUT = 0
IN = 1
LOW = 0
HIGH = 1
PUD_OFF = 20
PUD_DOWN = 21
PUD_UP = 22

PINS = 28
"""GPIO 0 to 27 are on the header."""

_mode = None
_pins: dict[int, "Pin"] = {}


class Pin:
    """One pin as someone outside sees it; `watcher`, if there is one, is called with every new state."""

    def __init__(self, number):
        self.number = number
        self.function = None
        self.pull = PUD_OFF
        self.duty = None
        self.frequency = None
        self.states = []
        self.watcher = None
        self.modulated = False
        self._driven = None
        self._output = LOW
        self._last = monotonic()

    def __repr__(self):
        return f"<Pin GPIO{self.number} {self.state}>"

    @property
    def state(self):
        """The level: what drives the pin, or else what its pull resistor makes of it."""
        if self.function == OUT:
            return self._output
        if self._driven is not None:
            return self._driven
        return HIGH if self.pull == PUD_UP else LOW

    def drive_high(self):
        """Apply 3.3 V from outside."""
        self._drive(HIGH)

    def drive_low(self):
        """Connect to ground from outside."""
        self._drive(LOW)

    def release(self):
        """Leave the pin to its pull resistor."""
        self._drive(None)

    def _drive(self, level):
        if self.function == OUT:
            raise RuntimeError("an output that is driven from outside is a short circuit")
        self._driven = level
        self._note(self.state)

    def _note(self, state):
        if not self.states or self.states[-1][1] != state:
            now = monotonic()
            self.states.append((now - self._last, state))
            self._last = now
            if self.watcher is not None:
                self.watcher(state)

    def _become(self, function, pull, initial):
        self.function = function
        self.pull = pull
        self.frequency = self.duty = None
        if function == OUT and initial is not None:
            self._output = initial
        self._note(self.state)

    def _write(self, level):
        self._output = HIGH if level else LOW
        if self.duty is None:  # a strobe that was not stopped goes on, whatever is written
            self._note(self._output)

    def _modulate(self, frequency, duty):
        self.frequency = frequency
        self.duty = duty
        self._note(("pwm", frequency, duty) if duty is not None else self._output)


def pin(number):
    """Return the pin of a number, to drive it and to look at its history."""
    _check(number)
    if number not in _pins:
        _pins[number] = Pin(number)
    return _pins[number]


def reset() -> None:
    """Begin again: every pin unused, nothing driven, no history."""
    global _mode  # noqa: PLW0603 - RPi.GPIO has one chip, and so has this
    _mode = None
    _pins.clear()


def setwarnings(enabled):
    """Take it; there is nothing to warn of."""


def setmode(mode):
    """Choose how pins are numbered."""
    global _mode  # noqa: PLW0603 - as in `reset`
    if mode not in (BCM, BOARD):
        raise ValueError("An invalid mode was passed to setmode()")
    if _mode is not None and _mode != mode:
        raise ValueError("A different mode has already been set!")
    if mode == BOARD:
        raise ValueError("the stand-in knows the numbers of the chip only: GPIO.BCM")
    _mode = mode


def setup(channel, direction, pull_up_down=PUD_OFF, initial=None):
    """Make a pin an input or an output."""
    _check_mode()
    if direction not in (IN, OUT):
        raise ValueError("An invalid direction was passed to setup()")
    if direction == OUT and pull_up_down != PUD_OFF:
        raise ValueError("pull_up_down parameter is not valid for outputs")
    if direction == IN and initial is not None:
        raise ValueError("initial parameter is not valid for inputs")
    pin(channel)._become(direction, pull_up_down, initial)


def output(channel, value):
    """Set the level of an output."""
    _check_mode()
    if pin(channel).function != OUT:
        raise RuntimeError("The GPIO channel has not been set up as an OUTPUT")
    pin(channel)._write(value)


def input(channel):  # noqa: A001 - its name in RPi.GPIO
    """Return the level of a pin."""
    _check_mode()
    if pin(channel).function is None:
        raise RuntimeError("You must setup() the GPIO channel first")
    return pin(channel).state


def cleanup(channel=None):
    """Make pins inputs without pull again, all of them by default, as after a boot."""
    global _mode  # noqa: PLW0603 - as in `reset`
    if channel is None:
        wanted = list(_pins)
        _mode = None
    else:
        wanted = channel if isinstance(channel, (list, tuple)) else [channel]
    for number in wanted:
        if pin(number).function is not None:
            pin(number).modulated = False
            pin(number)._become(None, PUD_OFF, None)


class PWM:
    """Pulse width modulation of an output."""

    def __init__(self, channel, frequency):
        _check_mode()
        self._pin = pin(channel)
        if self._pin.function != OUT:
            raise RuntimeError("You must setup() the GPIO channel as an output first")
        if self._pin.modulated:
            raise RuntimeError("A PWM object already exists for this GPIO channel")
        self._pin.modulated = True
        self._frequency = self._checked_frequency(frequency)

    def start(self, dutycycle):
        """Begin; the duty is in percent."""
        self._pin._modulate(self._frequency, self._checked_duty(dutycycle))

    def stop(self):
        """End; the pin is low."""
        self._pin._modulate(None, None)
        self._pin._write(LOW)
        self._pin.modulated = False

    @staticmethod
    def _checked_frequency(frequency):
        if frequency <= 0:
            raise ValueError("frequency must be greater than 0.0")
        return frequency

    @staticmethod
    def _checked_duty(duty):
        if not 0 <= duty <= 100:
            raise ValueError("dutycycle must have a value from 0.0 to 100.0")
        return duty


def _check_mode():
    if _mode is None:
        raise RuntimeError("Please set pin numbering mode using GPIO.setmode(GPIO.BOARD) or GPIO.setmode(GPIO.BCM)")


def _check(channel):
    if not isinstance(channel, int) or not 0 <= channel < PINS:
        raise ValueError("The channel sent is invalid on a Raspberry Pi")
