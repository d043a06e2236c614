"""The topics of the wire: `alpr/v1/{agency}/{post}/...`."""

import re
import unicodedata
from dataclasses import dataclass

from platepost.common.errors import RecordError

ROOT = "alpr/v1"
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
"""What an agency or a post may be called: safe in topics, file names, certificates and URIs."""

KEYS = "keys"
"""The level below an agency under which its posts find the statements about the keys that the department signs with."""

DECISIONS = "decision"
"""The level below an agency under which its custodians tell what people decided about hits."""

LEDGER = "ledger"
"""The level below an agency under which its custodians publish the ends of their ledgers."""

RESERVED_POSTS = frozenset({"hotlist", KEYS, DECISIONS, LEDGER})
"""Names that would collide with a topic of the whole agency."""


class NameRefusedError(RecordError):
    """The name of an agency or a post cannot be part of a topic."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who speaks: one post of one agency.

    Raises:
        NameRefusedError: a name has other characters than A-Z, a-z, 0-9, `.`, `_`, `-`, is too long, or is reserved.

    """

    agency: str
    post: str

    def __post_init__(self) -> None:
        for name in (self.agency, self.post):
            if not NAME.fullmatch(name):
                raise NameRefusedError(f"{name!r} cannot name an agency or a post: use A-Z, a-z, 0-9, '.', '_', '-'")
        if self.post in RESERVED_POSTS:
            raise NameRefusedError(f"{self.post!r} is reserved and cannot name a post")

    @property
    def uri(self) -> str:
        """The CloudEvents `source`."""
        return f"//{ROOT}/{self.agency}/{self.post}"

    def topic(self, name: str) -> str:
        """Return the topic `name` below this post."""
        return f"{ROOT}/{self.agency}/{self.post}/{name}"

    def hit(self, category: str) -> str:
        """Return the topic of hits of `category`, slugged."""
        return self.topic(f"hit/{category_slug(category)}")

    @property
    def configuration(self) -> str:
        """The topic of this post's desired configuration, retained."""
        return self.topic("configuration")

    def command(self, name: str) -> str:
        """Return the topic of the command `name` to this post, or the filter of all with `+`."""
        return self.topic(f"command/{name}")

    def response(self, asked_by: str) -> str:
        """Return the topic of this post's answers to one operator."""
        return self.topic(f"response/{asked_by}")

    def covert(self, group: str) -> str:
        """Return the topic of hits of covert entries that concern `group` alone."""
        return self.topic(f"covert/{group}")

    def receipt(self, custodian: str) -> str:
        """Return the topic of a custodian's receipts for this post, or the filter of all with `+`."""
        return self.topic(f"receipt/{custodian}")


def decision_topic(agency: str, custodian: str, group: str | None) -> str:
    """Return the topic on which a custodian tells what people decided; of hits of a covert group, the group's."""
    own = f"{ROOT}/{agency}/{DECISIONS}/{custodian}"
    return own if group is None else f"{own}/{group}"


def hotlist_package(agency: str) -> str:
    """Return the topic that carries the hot-list package to all posts of `agency`, retained."""
    return f"{ROOT}/{agency}/hotlist/package"


def hotlist_delta(agency: str) -> str:
    """Return the topic that carries the newest delta to that package, retained."""
    return f"{ROOT}/{agency}/hotlist/delta"


def hotlist_keys(agency: str, thumbprint: str) -> str:
    """Return the topic that carries the keys of epochs to one post, by the thumbprint of its own key, retained."""
    return f"{ROOT}/{agency}/hotlist/keys/{thumbprint}"


def hotlist_part(topic: str, number: int) -> str:
    """Return the topic of one part of what stands on `topic`, a package's or a delta's, retained; 0 is the first."""
    return f"{topic}/{number}"


def keys_topic(agency: str, purpose: str) -> str:
    """Return the topic that carries the statements about the keys for a purpose to all posts of `agency`, retained."""
    return f"{ROOT}/{agency}/{KEYS}/{purpose}"


def custody_keys_topic(agency: str, custodian: str) -> str:
    """Return the topic that carries the statements about one custodian's keys, retained; the filter of all with `+`."""
    return f"{keys_topic(agency, 'custody')}/{custodian}"


def ledger_topic(agency: str, custodian: str) -> str:
    """Return the topic that carries the end of a custodian's ledger, retained."""
    return f"{ROOT}/{agency}/{LEDGER}/{custodian}"


def category_slug(category: str) -> str:
    """Turn a category as the list names it into one level of a topic: `Stolen Vehicle` -> `stolen_vehicle`.

    Accents go, every run of other characters becomes one underscore, at most 64 characters; `other` if nothing is left.
    """
    plain = unicodedata.normalize("NFKD", category).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:64].strip("_") or "other"
