"""The keys of each custodian: given in the configuration, or added by the root later."""

from collections.abc import Callable, Sequence
from pathlib import Path

from platepost.device.control.keys.signing_keys import SigningKeys
from platepost.device.control.keys.store import KeyStore, stored_custodians
from platepost.wire.keys.statement import Key
from platepost.wire.records import CustodianTerms, Purpose


class Custodians:
    """Knows each custodian by the keys that sign its receipts, and what its receipts are needed for.

    Safe to use from several threads.

    Args:
        given: what the configuration says of each, and the key that the post was given of it.
        agency: whose post it is.
        roots: the keys that may add a custodian, and change what its receipts are needed for.
        directory: where statements are kept; None for a post that takes none.

    """

    def __init__(
        self,
        given: Sequence[tuple[CustodianTerms, Key]],
        *,
        agency: str = "",
        roots: tuple[Key, ...] = (),
        directory: Path | None = None,
    ) -> None:
        self._agency = agency
        self._roots = roots
        self._directory = directory
        self._listeners: list[Callable[[], None]] = []
        self._known: dict[str, SigningKeys] = {}
        for terms, key in given:
            self.take(self._keys(terms, key))
        added = () if directory is None else stored_custodians(directory)
        for name in added:
            self.take(self.named(name))

    @property
    def all(self) -> tuple[SigningKeys, ...]:
        """The keys of each custodian; none is in force of one that the root added and whose file is damaged."""
        return tuple(self._known.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each custodian that someone has vouched for."""
        return tuple(self._known)

    @property
    def terms(self) -> tuple[CustodianTerms, ...]:
        """What the receipts of each are needed for; of one whose file is damaged, for all that is not covert."""
        return tuple(keys.history.terms for keys in self.all if keys.history.terms is not None)

    def get(self, name: str) -> SigningKeys | None:
        """Return the keys of a custodian; None if no one has vouched for it."""
        return self._known.get(name)

    def named(self, name: str) -> SigningKeys:
        """Return the keys of a custodian; of one that is not known yet, keys that only the root's word can begin."""
        return self._known.get(name) or self._keys(CustodianTerms.model_construct(name=name, required=False), None)

    def take(self, keys: SigningKeys) -> None:
        """Know a custodian from now on, by its keys."""
        if keys.custodian is not None:
            # Others may be reading it meanwhile.
            self._known = {**self._known, keys.custodian: keys}

    def on_changed(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after every change, and when a custodian is added."""
        self._listeners.append(listener)

    def _keys(self, terms: CustodianTerms, given: Key | None) -> SigningKeys:
        directory = self._directory
        store = None if directory is None else KeyStore(directory, Purpose.CUSTODY, terms.name)
        keys = SigningKeys(Purpose.CUSTODY, given, agency=self._agency, roots=self._roots, store=store, terms=terms)
        keys.on_changed(self._announce)
        keys.load()
        return keys

    def _announce(self) -> None:
        for listener in self._listeners:
            listener()
