"""`platepost models`: train, convert and evaluate the recogniser.

Sub-commands are loaded when they are asked for: evaluating needs no torch, and help needs nothing.
"""

import importlib
from typing import Any, Final

import click


class LazyGroup(click.Group):
    """A group whose sub-commands are named by module and attribute, with their line of help."""

    def __init__(self, name: str, summary: str, commands: dict[str, tuple[str, str]]) -> None:
        super().__init__(name, help=summary)
        self._places = commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all sub-commands, those given as objects too."""
        return sorted({*super().list_commands(ctx), *self._places})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a sub-command; its module imports what is heavy only where it runs, so that help always works."""
        if cmd_name not in self._places:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._places[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's
        """Run a sub-command.

        Raises:
            click.ClickException: what it needs is not installed; says what brings it.
        """
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in {"models", "device"}:
                raise
            extra = "evaluation" if error.name == "matplotlib" else "training"
            message = (
                f"{ctx.command_path} needs {error.name}: pip install 'platepost[{extra}]', "
                f"or from a checkout pip install -e '.[{extra}]'"
            )
            raise click.ClickException(message) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """List the sub-commands without importing any."""
        rows = [(name, place[1]) for name, place in self._places.items()]
        rows += [(name, command.get_short_help_str()) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows))


_TRAIN: Final = {
    "detector": ("models.detector.cli:train", "Train the detector on pasted and real plates."),
    "reader": ("models.reader.cli:train", "Train the reader on drawn and real plates."),
    "region": ("models.region.cli:train", "Train the net of the issuing state on drawn and real plates."),
}
_CONVERT: Final = {
    "detector": ("models.detector.cli:convert", "Quantise a trained detector to int8."),
    "reader": ("models.reader.cli:convert", "Quantise a trained reader to int8."),
    "region": ("models.region.cli:convert", "Calibrate a trained net of the issuing state and quantise it to int8."),
}
_AVERAGE: Final = {
    "detector": ("models.detector.cli:average", "Make one detector of the mean of several."),
}

models = LazyGroup(
    "models",
    "Train, convert and evaluate the recogniser.",
    {
        "calibrate": ("models.calibration.cli:calibrate", "Make a reader's confidence mean what it says."),
        "evaluate": ("models.evaluate.cli:evaluate", "Figures of the recogniser on labelled pictures."),
    },
)
models.add_command(LazyGroup("train", "Train one of the nets.", _TRAIN))
models.add_command(LazyGroup("convert", "Make a .tflite file of a trained net.", _CONVERT))
models.add_command(LazyGroup("average", "Make one net of the mean of several.", _AVERAGE))
