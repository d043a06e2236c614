"""`platepost renew`: a certificate that someone brings, for a post that cannot reach the office that renews it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from platepost.common.commands.spoken import SpokenHelp
from platepost.common.files import read_brought, replace_durably
from platepost.common.language import Phrase, day, spoken
from platepost.common.secrets.certificate import certificate
from platepost.device.commands.enroll import in_words
from platepost.device.commands.options import CONFIG_OR_INSTALLED
from platepost.device.config import load
from platepost.device.enrollment.keyfiles import read_key_file
from platepost.device.enrollment.unit import check_certificate
from platepost.wire.enrollment.errors import EnrollmentError
from platepost.wire.enrollment.est import LARGEST


@click.command(
    cls=SpokenHelp,
    epilog="""\b
Example:
  sudo platepost renew /mnt/certificate.pem

\b
`platepost provision fleet renew FLEET POST` in the office makes the file; nothing in it is secret.
A running post uses it within seconds; you need not stop it.
""",
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@CONFIG_OR_INSTALLED
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
@in_words()
def renew(*, file: Path, path: Path, as_json: bool) -> None:
    """Replace this post's certificate by FILE, which the office issued for the same key. All else stays.

    Keys, records that wait, hot list, and acceptance are not touched.
    """
    configuration = load(path)
    post, uplink = configuration.post.name, configuration.uplink
    chain, ca = read_brought(file, LARGEST), uplink.ca.read_bytes()
    try:
        leaf = check_certificate(chain, ca=ca, name=post, at=datetime.now(UTC))
    except EnrollmentError:
        raise
    except ValueError as error:
        unread = Phrase("{file}: not a readable certificate", file=str(file))
        raise EnrollmentError(unread, reason="answer") from error
    if leaf.public_key() != read_key_file(uplink.private_key).public_key():
        raise EnrollmentError(Phrase("the certificate received is for another unit's key"), reason="answer")
    ends = certificate(uplink.certificate).not_valid_after_utc
    if leaf.not_valid_after_utc < ends:
        older = Phrase(
            "{file}: older than the post's own certificate, good until {date}", file=str(file), date=day(ends)
        )
        raise EnrollmentError(older, reason="older")
    replace_durably(uplink.certificate, chain)
    ends = leaf.not_valid_after_utc
    if as_json:
        click.echo(json.dumps({"post": post, "certificate_expires": ends.isoformat()}))
        return
    click.echo(spoken(Phrase("The certificate of {post} is good until {date} now.", post=post, date=day(ends))))
