"""The checker: whether a department kept every record once, judged it right, and signed for nothing too soon.

It never reads the keeper's database. It has the publisher's plan, every receipt that was on the wire, and what the
department's own commands say: `status`, which counts and names numbers, and `verify`, which goes through the whole
custody and the log of receipts again.
"""

from collections.abc import Collection, Iterable, Mapping

from joserfc.jwk import ECKey
from pydantic import ValidationError

from platepost.wire.errors import RefusedError
from platepost.wire.jose import open_signed_by
from platepost.wire.records import RECEIPT_TYPE, Receipt
from platepost.wire.verify.chains import merged
from tests.campaigns.department.plan import ChainPlan, Plan
from tests.campaigns.department.stated import ChainStatement, CustodyStatement

MOST_NAMED = 5
"""Numbers of one kind of problem that are named one by one."""


class DepartmentChecker:
    """Judges one run.

    Args:
        plan: what was published.
        custodian: the custodian's public key.
        late: posts whose keys the department learned later.

    A record by a key that no one knows yet counts where none of its number is proven, and a receipt for it is true:
    the key might come. So it is with every record of a late post, before its key came.
    """

    def __init__(self, plan: Plan, custodian: ECKey, *, late: Collection[str] = ()) -> None:
        self._plan = plan
        self._key = custodian
        self._others = {
            (extra.post, extra.chain, extra.number, extra.digest)
            for extra in plan.extras
            if extra.post in late or extra.verdict == "foreign"
        }
        self._signed: dict[tuple[str, str], set[tuple[int, int, str]]] = {}
        """By post and chain: first and last of each range that was signed for, and the digest of its last."""
        self._epochs: set[int] = set()
        self.receipts = 0
        """Genuine ones."""
        self.problems: list[str] = []

    def hear(self, topic: str, body: bytes) -> None:
        """Take one message that was on a topic of receipts, in order."""
        try:
            signed, _ = open_signed_by(body, typ=RECEIPT_TYPE, keys=[self._key])
            receipt = Receipt.model_validate_json(signed.payload, strict=True)
        except (RefusedError, ValidationError) as error:
            self.problems.append(f"a receipt is not genuine: {error}")
            return
        self.receipts += 1
        if topic.split("/")[3] != receipt.post:
            self.problems.append(f"a receipt for {receipt.post} was on another post's topic")
        self._epochs.add(receipt.epoch)
        spans = self._signed.setdefault((receipt.post, receipt.chain), set())
        spans.update((kept.first, kept.last, kept.digest) for kept in receipt.ranges)

    def judge(self, stated: CustodyStatement) -> list[str]:
        """Return what is wrong, in sentences."""
        wrong = [*self.problems, *stated.problems]
        if not self._plan.whole:
            wrong.append(f"the posts still have {self._plan.kept_by_posts} records without receipts")
        if len(self._epochs) > 1:
            wrong.append("the custodian began a new epoch: it had signed for what it did not hold")
        for name, chain in self._plan.chains.items():
            wrong += self._judge_receipts(name, chain)
            if chain.group is None:  # the status tells nothing of covert chains; receipts and `verify` do
                wrong += self._judge_held(name, chain, stated.chains.get(name))
        for post in self._plan.posts:
            wrong += _judge_verdicts(post, self._plan.verdicts(post), stated.verdicts.get(post, {}))
        if stated.records != self._plan.records:
            wrong.append(f"{stated.records} records are kept, and {self._plan.records} came")
        return wrong

    def _judge_receipts(self, name: tuple[str, str], chain: ChainPlan) -> Iterable[str]:
        """Whatever a post has deleted must be signed for, and whatever is signed for must have come."""
        spans = self._signed.get(name, set())
        signed = {number for first, last, _ in spans for number in range(first, last + 1)}
        others = {
            last
            for _, last, digest in spans
            if digest != chain.digest(last) and (*name, last, digest) not in self._others
        }
        yield from _named(name, "is signed for as another record than the post's", others)
        yield from _named(name, "is signed for and never came", signed - chain.sent)
        yield from _named(name, "was deleted without a receipt", chain.sent - chain.kept - signed)

    def _judge_held(self, name: tuple[str, str], chain: ChainPlan, stated: ChainStatement | None) -> Iterable[str]:
        where = f"{name[0]}, chain {name[1]}"
        if stated is None:
            yield f"{where}: nothing of it is held"
            return
        gaps = list(merged((number, number) for number in chain.missing))
        if (stated.first, stated.last, stated.kept) != (1, chain.last, len(chain.sent)):
            yield (
                f"{where}: {stated.kept} records are held, {stated.first} to {stated.last}; "
                f"{len(chain.sent)} came, 1 to {chain.last}"
            )
        if list(stated.gaps) != gaps[-len(stated.gaps) :] or stated.missing != len(chain.missing):
            yield f"{where}: {stated.missing} numbers are said to be missing, and {len(chain.missing)} are"
        forks = {extra.number for extra in self._plan.extras if extra.verdict == "forked" and extra.chain == name[1]}
        if forks != set(stated.forks):
            yield f"{where}: {len(stated.forks)} numbers are said to be forked, and {len(forks)} are"


def _judge_verdicts(post: str, planned: Mapping[str, int], stated: Mapping[str, int]) -> Iterable[str]:
    for verdict in sorted({*planned, *stated}):
        if planned.get(verdict, 0) != stated.get(verdict, 0):
            yield f"{post}: {stated.get(verdict, 0)} records are {verdict}, and {planned.get(verdict, 0)} came"


def _named(name: tuple[str, str], what: str, numbers: Iterable[int]) -> Iterable[str]:
    found = sorted(numbers)
    for number in found[:MOST_NAMED]:
        yield f"{name[0]}, chain {name[1]}: number {number} {what}"
    if len(found) > MOST_NAMED:
        yield f"{name[0]}, chain {name[1]}: the same of {len(found) - MOST_NAMED} more"
