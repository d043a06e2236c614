"""Commands whose help, mistakes and questions are in the terminal's language."""

from copy import copy

import click

from platepost.common.language import Phrase, agreed, spoken

CLICK = (
    Phrase("Aborted!"),
    Phrase("Choose from:\n\t{choices}"),
    Phrase("(Did you mean one of: {possibilities}?)"),
    Phrase("Commands"),
    Phrase("Did you mean {possibility}?"),
    Phrase("Error: {message}"),
    Phrase("Got unexpected extra argument ({args})"),
    Phrase("Got unexpected extra arguments ({args})"),
    Phrase("Invalid value for {param_hint}: {message}"),
    Phrase("Missing argument"),
    Phrase("Missing command."),
    Phrase("Missing option"),
    Phrase("No such command {name!r}."),
    Phrase("No such option {name!r}."),
    Phrase("Option {name!r} does not take a value."),
    Phrase("Option {name!r} requires an argument."),
    Phrase("Options"),
    Phrase("Show the version and exit."),
    Phrase("Show this message and exit."),
    Phrase("Try '{command} {option}' for help."),
    Phrase("Usage:"),
    Phrase("default: {default}"),
    Phrase("env var: {var}"),
    Phrase("required"),
    Phrase("{name} {filename!r} does not exist."),
    Phrase("{name} {filename!r} is a directory."),
    Phrase("{name} {filename!r} is a file."),
    Phrase("{name} {filename!r} is not readable."),
    Phrase("{value!r} is not a valid {number_type}."),
    Phrase("{value} is not in the range {range}."),
)
"""What click itself says to a technician, as its source has it."""
METAVARS = (
    *(Phrase("DIRECTORY"), Phrase("FILE"), Phrase("FLOAT RANGE"), Phrase("INTEGER RANGE"), Phrase("TEXT")),
    *(Phrase("NAME=NUMBER"), Phrase("[OPTIONS]"), Phrase("COMMAND [ARGS]...")),
)
"""What stands for a value in help."""


def speak() -> None:
    """Have click look for its own words among our translations: gettext's would take a compiled file."""
    for module in (click.core, click.exceptions, click.formatting, click.parser, click.termui, click.types):
        vars(module).update(_=_said, ngettext=_said_of)


def paragraphs(text: str | None) -> list[str]:
    """Return the paragraphs of a help, each in one line unless it is kept as it is written."""
    parts = (text or "").strip().split("\n\n")
    return [part if part.startswith("\b") else " ".join(part.split()) for part in parts if part]


class SpokenHelp(click.Command):
    """A command that gives its help in the terminal's language, as far as that has a translation."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help of a copy that speaks the language."""
        shown = copy(self)
        shown.params = [_spoken(parameter, ctx) for parameter in self.get_params(ctx)]
        shown.add_help_option = False  # it is among them
        shown.help, shown.epilog = (_said_whole(text) for text in (self.help, self.epilog))
        super(SpokenHelp, shown).format_help(ctx, formatter)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return what follows the command's name in its usage."""
        return [_said(piece) for piece in super().collect_usage_pieces(ctx)]


def confirmed(question: Phrase) -> None:
    """Ask a person, on standard error.

    Raises:
        click.Abort: they said no, or nothing.

    """
    while True:
        answer = click.prompt(
            f"{spoken(question)} {spoken(Phrase('[y/n]'))}",
            default="n",
            show_default=False,
            prompt_suffix=" ",
            err=True,
        )
        yes = agreed(answer)
        if yes is False:
            raise click.Abort
        if yes:
            return


def _spoken(parameter: click.Parameter, context: click.Context) -> click.Parameter:
    shown = copy(parameter)
    if isinstance(shown, click.Option):
        shown.help = _said(shown.help or "")
        shown.metavar = _said(shown.make_metavar(context))
    return shown


def _said(text: str) -> str:
    return spoken(Phrase(text))


def _said_of(one: str, more: str, number: int) -> str:
    return _said(one if number == 1 else more)


def _said_whole(text: str | None) -> str:
    return "\n\n".join(_said(part) for part in paragraphs(text))
