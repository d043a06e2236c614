"""What hangs on which pin: the table `board.rpi` of the configuration."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from platepost.common.settings import Section

FIRST_PIN, LAST_PIN = 2, 27
"""GPIO numbers of the header; 0 and 1 belong to the EEPROM of an add-on board (HAT specification)."""

Pin = Annotated[int, Field(ge=FIRST_PIN, le=LAST_PIN)]


class RpiSettings(Section):
    """Wiring of one unit. Pins are GPIO numbers of the chip (BCM), not places on the header; absent means not wired."""

    illuminator_pin: Pin | None = Field(default=None, description="Switches the infrared illuminator.")
    illuminator_active_low: bool = Field(default=False, description="Whether low means on.")
    illuminator_hertz: float = Field(
        default=0, ge=0, le=2000, description="Frequency of the strobe; 0 for a steady signal."
    )
    illuminator_duty: float = Field(default=100, gt=0, le=100, description="Share of the time that it is on, percent.")
    illuminator_most_duty: float = Field(
        default=100, gt=0, le=100, description="Share that its LEDs bear by their data sheet, percent."
    )

    tamper_pin: Pin | None = Field(default=None, description="Senses the tamper switch of the case.")
    tamper_open_low: bool = Field(
        default=False, description="Whether an open case is low; high, as a cut wire gives, is the safer wiring."
    )
    door_pin: Pin | None = Field(default=None, description="Senses the door of a cabinet at the pole.")
    door_open_low: bool = Field(default=False, description="Whether an open door is low.")
    debounce_milliseconds: float = Field(
        default=60, ge=10, le=500, description="How long a switch must be stable before a change counts."
    )

    status_light_pin: Pin | None = Field(default=None, description="Switches the status light.")
    status_light_active_low: bool = Field(default=False, description="Whether low means lit.")

    camera_power_pin: Pin | None = Field(default=None, description="Switches the camera's supply.")
    camera_power_active_low: bool = Field(default=False, description="Whether low means powered.")

    heater_pin: Pin | None = Field(default=None, description="Switches a heater at the window.")
    heater_active_low: bool = Field(default=False, description="Whether low means heating.")
    heater_below_celsius: float = Field(
        default=15, ge=-40, le=50, description="Processor's temperature below which it heats; the air is colder by 15."
    )

    @property
    def pins(self) -> dict[str, int]:
        """What is wired: its name -> its pin."""
        pins = {name.removesuffix("_pin"): getattr(self, name) for name in type(self).model_fields if "_pin" in name}
        return {name: pin for name, pin in pins.items() if pin is not None}

    @model_validator(mode="after")
    def _wired(self) -> Self:
        by_pin: dict[int, str] = {}
        for name, pin in self.pins.items():
            if pin in by_pin:
                raise ValueError(f"{by_pin[pin]}_pin and {name}_pin are both {pin}")
            by_pin[pin] = name
        return self

    @model_validator(mode="after")
    def _bearable(self) -> Self:
        duty = self.illuminator_duty if self.illuminator_hertz else 100.0
        if duty > self.illuminator_most_duty:
            raise ValueError(
                f"the illuminator would be on {duty:g} % of the time, and bears {self.illuminator_most_duty:g} %:"
                " set illuminator_hertz and a smaller illuminator_duty"
            )
        if self.illuminator_hertz and self.illuminator_active_low:
            raise ValueError(
                "an illuminator that is on at low must not be strobed: a strobe that ends leaves its pin low"
            )
        return self
