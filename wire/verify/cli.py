"""`platepost verify`: prove that a stream of records is whole and genuine."""

import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

import click

from platepost.common.errors import RecordError, installing
from platepost.common.text import printable
from platepost.wire.records.signing import Keyring, read_key
from platepost.wire.verify.noted_heads import NotedHead
from platepost.wire.verify.verify import LONGEST_LINE, Problem, Report, Verifier

_ZIP = b"PK\x03\x04"
"""How a zip begins; no line of records does."""
MEANING = {
    "malformed": "is not a record",
    "foreign": "is foreign",
    "changed": "was changed",
    "repeated": "is repeated",
    "forked": "belongs to another history",
    "misdated": "has a time that cannot be",
}


@click.command(
    epilog="""\b
Examples:
  platepost verify archive.jsonl --key post-1.records.pub.pem
  mosquitto_sub ... -t 'alpr/v1/demo/post-1/#' | platepost verify - --key post-1.records.pub.pem --redelivery
  platepost verify fleet/acts/acts.jsonl --key fleet/people/keys --whole
  platepost verify fleet/acts/acts.jsonl --key fleet/people/keys --whole --head 14:8ac904d33620c4d13940cb1eee258c48...
Exit code: 0 if every record from first to last is there and genuine, 1 if not.
"""
)
@click.argument("file", type=click.File("rb"))
@click.option(
    "--key",
    "keys",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help=(
        "PEM of the post's public record-signing key, or a folder of PEM files, as for a log of acts; repeat for more "
        "keys. Later keys are found in the records if the previous key vouched for them."
    ),
)
@click.option(
    "--source", help="The only source allowed, such as //alpr/v1/demo/post-1.  [default: that of the first record]"
)
@click.option("--whole", is_flag=True, help="Require the chain from its first record on.")
@click.option(
    "--head",
    "noted",
    multiple=True,
    metavar="NUMBER:DIGEST",
    help=(
        "A head of the chain that was written down, as printed by `platepost provision audit-log --head`; the chain "
        "must contain it. Repeat for more."
    ),
)
@click.option("--redelivery", is_flag=True, help="Allow repeated records, as subscribers at QoS 1 may receive them.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def verify(
    context: click.Context,
    *,
    file: BinaryIO,
    keys: tuple[Path, ...],
    source: str | None,
    whole: bool,
    noted: tuple[str, ...],
    redelivery: bool,
    as_json: bool,
) -> None:
    """Verify the records in FILE (- for standard input), one JSON object a line.

    It checks each signature and the hash chain, in any order of records, and names the first record that is missing,
    changed, repeated or foreign. Give --head to detect a cut-off end. Verify each post's records separately.

    A file is read twice, keys first. In a pipe, at most 4096 records may precede the one that vouches for their key.

    FILE may also be a decrypted evidence package; then give --key for the custodian's key and for the register's.
    """
    begin = file.tell() if file.seekable() else None
    if begin is not None:
        if file.read(len(_ZIP)) == _ZIP:
            _verify_package(context, file.name, keys, as_json=as_json)
        file.seek(begin)
    files = list(_files(keys))
    heads = _heads(noted)
    verifier = Verifier(
        Keyring.from_files(*files),
        source=source,
        whole=whole,
        redelivery=redelivery,
        holders=_holders(files),
        heads=heads,
    )
    if begin is not None:
        verifier.learn(_lines(file))
        file.seek(begin)
    report = verifier.feed_all(_lines(file))
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(report) | {"intact": bool(report.intact and report.fed)}))
    else:
        _show(report, heads)
    sys.exit(0 if report.intact and report.fed else 1)


def _verify_package(context: click.Context, file: str, keys: tuple[Path, ...], *, as_json: bool) -> NoReturn:
    """Have the department's program prove an evidence package: it knows the ledger and the register.

    Raises:
        click.UsageError: that program is not installed.

    """
    department = context.parent and cast("click.Group", context.parent.command).get_command(context, "department")
    command = cast("click.Group", department).get_command(context, "verify-package") if department else None
    if command is None:
        raise click.UsageError(f"an evidence package is proved by the department's program: {installing('department')}")
    line = [file, *(part for key in keys for part in ("--key", str(key))), *(["--json"] if as_json else [])]
    command.main(line, prog_name="platepost verify")


def _files(keys: tuple[Path, ...]) -> Iterator[Path]:
    for key in keys:
        yield from sorted(key.glob("*.pem")) if key.is_dir() else (key,)


def _heads(noted: tuple[str, ...]) -> list[NotedHead]:
    try:
        return [NotedHead.read(text) for text in noted]
    except RecordError as error:
        raise click.BadParameter(str(error), param_hint="--head") from error


def _holders(files: list[Path]) -> dict[str, str]:
    """Return who holds a key, by its thumbprint: a register of people names its files NAME.THUMBPRINT.pem."""
    holders = {}
    for path in files:
        name, _, begin = path.stem.partition(".")
        thumbprint = read_key(path.read_bytes()).thumbprint()
        if begin and thumbprint.startswith(begin):
            holders[thumbprint] = name
    return holders


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file; of one that is longer than any record only enough to tell that it is."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line
        while len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE + 1)


def _show(report: Report, heads: list[NotedHead]) -> None:
    if not report.fed:
        _say("no records")
        return
    outside = f"{report.unchained} outside (health, answers, repeats of the status, wills)"
    _say(f"{report.fed} records read: {report.chained} of a chain, {outside}")
    if report.redelivered:
        _say(f"{report.redelivered} delivered again, which was allowed")
    for kind, count in report.unknown.items():
        _say(f"{count} of the unknown type {kind}: judged like all others, but not by what they say")
    for chain in report.chains:
        dropped = f", {chain.dropped} dropped by the post itself for lack of space" if chain.dropped else ""
        dropped += f", {chain.lost} lost to a damaged disk, as the post itself reports" if chain.lost else ""
        _say(f"chain {chain.chain}: numbers {chain.first} to {chain.last}, {chain.records} records{dropped}")
    if report.intact:
        for line in _praise(report):
            _say(line, fg="green")
        if heads:
            ends = ", ".join(str(head.sequence) for head in heads)
            _say(f"what was noted of its end is in it: number {ends}", fg="green")
        return
    first = report.problems[0]
    _say(f"first: {_sentence(first)}", fg="red")
    for problem in report.problems[1:20]:
        _say(f"  also: {_sentence(problem)}")
    if len(report.problems) > 20:
        _say(f"  and {len(report.problems) - 20} more")


def _say(line: str, *, fg: str | None = None) -> None:
    """Print a line, and nothing that a record brings to act on a terminal or to pose as another line."""
    click.echo(click.style(printable(line), fg=fg) if fg else printable(line))


def _praise(report: Report) -> Iterator[str]:
    """Say what is proven and no more: a chain shows what lies between its ends, not what may lie beyond them."""
    if not report.chains:
        yield "genuine, but outside any chain: it is unknown whether one is missing"
    for chain in report.chains:
        name = f"chain {chain.chain}: " if len(report.chains) > 1 else ""
        before = {1: "", 2: "number 1 is not among them, and "}.get(
            chain.first, f"numbers 1 to {chain.first - 1} are not among them, and "
        )
        yield (
            f"{name}intact from number {chain.first} to {chain.last}; "
            f"{before}whether anything came after {chain.last} a chain cannot tell"
        )


def _sentence(problem: Problem) -> str:
    if problem.kind == "missing":
        return problem.message
    where = "" if problem.line is None else f" (record {problem.line} of the input)"
    name = "a record" if problem.sequence is None else f"number {problem.sequence}"
    identifier = "" if problem.id is None else f" {problem.id}"
    return f"{name}{identifier}{where} {MEANING[problem.kind]}: {problem.message.removeprefix('not a record: ')}"
