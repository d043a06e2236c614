"""The steps on the fleet's disk by which one signing key follows another; each may be repeated where it was cut off."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from joserfc.jwk import ECKey

from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.trust.authority import KEY_FILE
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.provisioning.trust.keys import new_key, private_pem, public_pem, signing_jwk
from platepost.wire.jose import sign
from platepost.wire.keys.statement import MOST_LINES
from platepost.wire.records import KEYS_TYPE, CustodianTerms, FormerKey, KeyStatement, SigningKey
from platepost.wire.records.signing import read_key

Voucher = Literal["key", "root"]


@dataclass(frozen=True, slots=True)
class RotationStep:
    """One statement, and what it is about."""

    former: str
    """Thumbprint of the key before."""
    present: str
    statement: KeyStatement

    @property
    def number(self) -> str:
        """Return era and number."""
        return f"{self.statement.era}.{self.statement.number}"


def announce(
    fleet: Fleet,
    files: KeyFiles,
    who: str,
    *,
    vouch: Voucher = "key",
    revoke: bool = False,
    overlap: timedelta | None = None,
    now: datetime | None = None,
) -> RotationStep:
    """Make the next key and the statement that vouches for it; where that was done already, go on with it.

    Args:
        fleet: the fleet.
        files: those of the key.
        who: the administrator who answers for it.
        vouch: who vouches for it: the key that posts go by now, or the root, whose key must be here.
        revoke: whether all earlier keys, and what they signed, are void from now on.
        overlap: for how long the former is accepted; until it is retired by hand where None.
        now: the time.

    Raises:
        ProvisioningError: the voucher's key is not here, or does not open.

    """
    last = files.last()
    begin = now or datetime.now(UTC)
    if _under_way(files, last):
        if last is not None and not revoke:
            present = read_key(files.verifying.read_bytes()).thumbprint()
            return RotationStep(present, last.key.thumbprint, last)
        # Posts may go by it already: it alone can vouch for another, and the root.
        take_into_use(files)
    if last is not None and not revoke and any(key.until is None or key.until > begin for key in last.former):
        raise ProvisioningError(f"the former key for {files.label} is still accepted: retire it first, with --retire")
    # Opened before anything is made: what cannot be vouched for is not begun.
    voucher = _voucher(fleet, files, vouch)
    before = files.verifying.read_bytes()
    present = read_key(before).thumbprint()
    key = new_key()
    public = public_pem(key)
    former: tuple[FormerKey, ...] = ()
    if not revoke:
        until = None if overlap is None else begin + overlap
        former = (FormerKey(thumbprint=present, public_key=before.decode("ascii"), until=until),)
    statement = KeyStatement(
        purpose=files.purpose,
        agency=fleet.agency,
        era=_era(last) + (vouch == "root"),
        number=1 if vouch == "root" else _number(last) + 1,
        issued=begin,
        who=who,
        custodian=files.terms(),
        key=SigningKey(thumbprint=read_key(public).thumbprint(), public_key=public.decode("ascii")),
        former=former,
        withdrawn="revoked" if revoke else "retired",
    )
    # A custodian starts with no one there who would know the fleet's passphrase.
    passphrase = fleet.passphrase() if files.custodian is None else None
    files.write_next(private_pem(key, passphrase=passphrase), public)
    _say(files, statement, [voucher, ECKey.import_key(private_pem(key))], anew=vouch == "root")
    return RotationStep(present, statement.key.thumbprint, statement)


def take_into_use(files: KeyFiles) -> None:
    """Have the announced key sign from now on; the former's private half is not kept."""
    last = files.last()
    if last is None or not _under_way(files, last):
        return
    before = files.verifying.read_bytes()
    after = files.next_public.read_bytes()
    if read_key(before).thumbprint() != read_key(after).thumbprint():
        files.keep_former(before, revoked=last.withdrawn == "revoked")
        if last.withdrawn == "revoked":
            for path in files.former():
                files.keep_former(path.read_bytes(), revoked=True)
                path.unlink()
    files.use_next()


def retire(files: KeyFiles, who: str) -> RotationStep:
    """State that the present key is the only valid one; if that was stated already, return that statement.

    Raises:
        ProvisioningError: no key was replaced, or one is being replaced at present.

    """
    last = files.last()
    if last is None or (files.custodian is not None and not files.former()):
        raise ProvisioningError(f"the key for {files.label} was never replaced; there is none to retire")
    if _under_way(files, last):
        raise ProvisioningError(
            f"the next key for {files.label} is not in use yet: run the same command without --retire"
        )
    if not last.former:
        return RotationStep("", last.key.thumbprint, last)
    statement = last.model_copy(
        update={"number": last.number + 1, "issued": datetime.now(UTC), "who": who, "former": ()}
    )
    statement = KeyStatement.model_validate(statement.model_dump() | {"withdrawn": "retired"})
    _say(files, statement, [signing_jwk(files.signing)])
    return RotationStep(last.former[0].thumbprint, last.key.thumbprint, statement)


def declare(fleet: Fleet, files: KeyFiles, terms: CustodianTerms, who: str) -> RotationStep:
    """Say, by the root's word, what posts need a custodian's receipts for; where that was said last, say it again.

    Args:
        fleet: the fleet.
        files: those of the custodian's key.
        terms: what posts are to need it for.
        who: the administrator who answers for it.

    Raises:
        ProvisioningError: the root's key is not here, or does not open, or the custodian's key is being replaced.

    """
    last = files.last()
    if _under_way(files, last):
        raise ProvisioningError(f"the key for {files.label} is being replaced: end that first, with custodian rotate")
    public = files.verifying.read_bytes()
    present = read_key(public).thumbprint()
    if last is not None and last.custodian == terms:
        return RotationStep(present, present, last)
    root = _voucher(fleet, files, "root")
    statement = KeyStatement(
        purpose=files.purpose,
        agency=fleet.agency,
        era=_era(last) + 1,
        number=1,
        issued=datetime.now(UTC),
        who=who,
        custodian=terms,
        key=SigningKey(thumbprint=present, public_key=public.decode("ascii")),
        former=() if last is None else last.former,
        withdrawn="retired",
    )
    _say(files, statement, [root, signing_jwk(files.signing)], anew=True)
    return RotationStep(present, present, statement)


def _voucher(fleet: Fleet, files: KeyFiles, vouch: Voucher) -> ECKey:
    if vouch == "root":
        path = fleet.root / KEY_FILE
        if not path.exists():
            raise ProvisioningError(
                f"the root must sign this: copy its key back to {fleet.root}. If that takes too long, the "
                "active key can vouch for a new one (--vouch key), which a thief of that key could undo"
            )
        return signing_jwk(path)
    return signing_jwk(files.signing)


def _under_way(files: KeyFiles, last: KeyStatement | None) -> bool:
    """Tell whether a key was announced and is not in use yet; one that was made and never announced is made again."""
    if last is None or not files.next.exists():
        return False
    return last.key.thumbprint == read_key(files.next_public.read_bytes()).thumbprint()


def _say(files: KeyFiles, statement: KeyStatement, keys: list[ECKey], *, anew: bool = False) -> None:
    """Keep a statement, signed by each of several keys: a post believes it by the one that it has."""
    payload = json.dumps(statement.wire(), separators=(",", ":")).encode()
    signed = [sign(payload, key, typ=KEYS_TYPE, kid=key.thumbprint()) for key in keys]
    # The root's word needs no one else's before it; and who was away for more than ten rotations needs the root's.
    content = signed if anew else [*files.lines(), *signed]
    files.write_lines(content[-MOST_LINES:])


def _era(last: KeyStatement | None) -> int:
    return 0 if last is None else last.era


def _number(last: KeyStatement | None) -> int:
    return 0 if last is None else last.number
