"""The `lgpio` that rpi-lgpio calls, over the pins of the stand-in: so rpi-lgpio's own code runs without a GPIO chip."""

from types import ModuleType

from tests.standins import rpi_gpio

INPUT, OUTPUT = 0x100, 0x200
"""Mode bits of a line that this process has claimed (lgpio.h)."""
NOT_ALLOCATED = -82


def module() -> ModuleType:
    """Make the module."""
    made = ModuleType("lgpio")
    for name, value in {
        "SET_PULL_NONE": 0,
        "SET_PULL_UP": 32,
        "SET_PULL_DOWN": 64,
        "RISING_EDGE": 1,
        "FALLING_EDGE": 2,
        "BOTH_EDGES": 3,
        "GPIO_BUSY": -64,
        "error": type("error", (Exception,), {}),
        "error_text": lambda number: f"lgpio error {number}",
        "gpiochip_open": lambda _number: 0,
        "gpiochip_close": lambda _chip: 0,
        "gpio_get_chip_info": lambda _chip: (0, rpi_gpio.PINS, "chip", "stand-in"),
        "gpio_get_mode": lambda _chip, line: _mode(line),
        "gpio_claim_input": lambda _chip, line, pull: _claim_input(line, pull),
        "gpio_claim_output": lambda _chip, line, level, _flags: _claim(
            line, rpi_gpio.OUT, rpi_gpio.PUD_OFF, int(level)
        ),
        "gpio_free": lambda _chip, line: _free(line),
        "gpio_read": lambda _chip, line: rpi_gpio.pin(line).state,
        "gpio_write": lambda _chip, line, level: _write(line, level),
        "tx_pwm": lambda _chip, line, hertz, duty: _modulate(line, hertz, duty),
    }.items():
        setattr(made, name, value)
    return made


def _mode(line: int) -> int:
    return {rpi_gpio.IN: INPUT, rpi_gpio.OUT: OUTPUT}.get(rpi_gpio.pin(line).function, 0)


def _claim(line: int, function: int | None, pull: int, initial: int | None) -> int:
    rpi_gpio.pin(line)._become(function, pull, initial)
    return 0


def _claim_input(line: int, pull: int) -> int:
    return _claim(line, rpi_gpio.IN, {32: rpi_gpio.PUD_UP, 64: rpi_gpio.PUD_DOWN}.get(pull, rpi_gpio.PUD_OFF), None)


def _claim_output(line: int, level: int) -> int:
    return _claim(line, rpi_gpio.OUT, rpi_gpio.PUD_OFF, int(level))


def _free(line: int) -> int:
    if rpi_gpio.pin(line).function is None:
        return NOT_ALLOCATED
    return _claim(line, None, rpi_gpio.PUD_OFF, None)


def _write(line: int, level: int) -> int:
    if rpi_gpio.pin(line).function != rpi_gpio.OUT:
        return NOT_ALLOCATED
    rpi_gpio.pin(line)._write(level)
    return 0


def _modulate(line: int, hertz: float, duty: float) -> int:
    rpi_gpio.pin(line)._modulate(hertz or None, duty if hertz else None)
    return 0
