"""A post that sends chained records over a real broker, and hears the receipts for them."""

from collections.abc import Callable

from platepost.provisioning.connection import Connection
from platepost.provisioning.fleet.fleet import Fleet
from platepost.wire.contract.examples import ExampleSigner, MemoryStore, example_audit
from platepost.wire.jose import open_signed
from platepost.wire.records import Envelope, Purpose, Receipt, Recorder, Source
from platepost.wire.records.receipt import RECEIPT_TYPE
from platepost.wire.records.signing import Signer, read_key

SOURCE = Source("riverside", "post-1")
CHAIN = "01890a5d-ac96-774b-bcce-b302099a8057"
SECONDS = 60.0


class Sender:
    """Sends chained records, and hears its receipts."""

    def __init__(
        self, fleet: Fleet, connection: Connection, signer: Signer | None = None, *, source: Source = SOURCE
    ) -> None:
        self.connection = connection
        self.source = source
        self.recorder = Recorder(MemoryStore(CHAIN), signer or ExampleSigner(), source)
        self._key = read_key(fleet.keys(Purpose.CUSTODY, "records").verifying.read_bytes())
        self._heard = 0

    def send(self, count: int = 1) -> list[Envelope]:
        created = [self.recorder.record(example_audit("boot")) for _ in range(count)]
        for envelope in created:
            self.resend(envelope)
        return created

    def resend(self, envelope: Envelope) -> None:
        self.connection.publish(envelope.topic, envelope.body, retain=False)

    def receipt(self, wanted: Callable[[Receipt], bool]) -> Receipt:
        """Return the first receipt that comes from now on and is wanted."""

        def fits(topic: str, payload: bytes) -> bool:
            return topic == self.source.receipt("records") and wanted(self.opened(payload))

        matches = self.connection.wait(fits, SECONDS, since=self._heard)
        assert matches is not None
        return self.opened(matches)

    def until(self, number: int) -> Receipt:
        return self.receipt(lambda cleaned: bool(cleaned.ranges) and cleaned.ranges[-1].last >= number)

    def forget(self) -> None:
        self._heard = self.connection.received

    def opened(self, payload: bytes) -> Receipt:
        signed = open_signed(payload, typ=RECEIPT_TYPE, key=lambda _header: self._key)
        return Receipt.model_validate_json(signed.payload, strict=True)
