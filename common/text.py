"""Text from outside, shown so that it cannot act on a terminal or pose as something else."""


def printable(text: str) -> str:
    r"""Return text as one line without characters that a terminal acts on or that no reader sees.

    Control characters, line ends and the marks that turn the direction of writing (Unicode Cc, Cf, Zl, Zp) come as
    `\x1b` or `\u202e`: hidden text is shown, not dropped.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def shown(text: str) -> str:
    """Return the same for a rich console, which would take `[red]` for an order."""
    from rich.markup import escape  # noqa: PLC0415 - slow to load, and a running post and the pages show nothing so

    return escape(printable(text))
