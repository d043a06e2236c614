"""What a post would make of a statement, judged as the post itself judges, from what it says that it goes by."""

from platepost.provisioning.control.keys.adoption import AdoptionStatus, Holder, has_adopted
from platepost.provisioning.control.keys.rotation import RotationStep
from platepost.provisioning.fleet.fleet import Fleet
from platepost.provisioning.trust.authority import CHAIN_FILE, read_certificates
from platepost.provisioning.trust.key_files import KeyFiles
from platepost.provisioning.trust.keys import new_key, public_pem
from platepost.wire.keys.follow import follow
from platepost.wire.keys.history import KeyHistory
from platepost.wire.keys.statement import Key, roots_of


def would(copy: Fleet, files: KeyFiles, holder: Holder, done: RotationStep) -> AdoptionStatus:
    """Say how a post would stand to a statement.

    Args:
        copy: the fleet in which the step was done.
        files: those of the key, in that fleet.
        holder: the post.
        done: the step.

    """
    if not holder.answered:
        return AdoptionStatus.UNKNOWN
    if holder.keys is None:
        return holder.adoption(done.statement)
    held = {key.thumbprint(): key for key in (*files.readable(), *files.revoked())}.get(holder.keys.key)
    # A key that the fleet does not know leads nowhere, unless the root speaks.
    pem = public_pem(new_key()) if held is None else held.as_pem(private=False)
    terms = done.statement.custodian
    history = KeyHistory(Key.of(pem), era=holder.keys.era, number=holder.keys.number, terms=terms)
    roots = roots_of(read_certificates(copy.authority / CHAIN_FILE))
    followed = follow(
        history,
        files.lines(),
        purpose=files.purpose,
        agency=copy.agency,
        roots=roots,
        custodian=files.custodian,
    )
    present = followed.history.present
    if (present and present.thumbprint) != done.present or (
        not followed.taken and not has_adopted(holder.keys, done.statement)
    ):
        return AdoptionStatus.REFUSED
    return AdoptionStatus.GOES_BY_IT if holder.present else AdoptionStatus.AWAY
