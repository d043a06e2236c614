"""Serves the aiming page at one address of the unit, and nowhere else, until its session has closed."""

import asyncio
import ipaddress

from platepost.common.language import Phrase
from platepost.provisioning.errors import ProvisioningError
from platepost.provisioning.serving import PageServer
from platepost.technician.aim.aiming import Aiming
from platepost.technician.aim.certificate import PageCertificate
from platepost.technician.aim.web import application

_CHECK_SECONDS = 0.2
_LAST_WORD_SECONDS = 1.5
"""For the page to hear that it has closed."""


def service_address(text: str) -> str:
    """Check the address of the unit's service interface.

    Raises:
        ProvisioningError: it is no address of one interface, or one that the world could reach.

    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ProvisioningError(
            Phrase("service address {address}: expected an address of the service interface", address=repr(text))
        ) from None
    if address.is_unspecified:
        raise ProvisioningError(
            Phrase("service address {address}: that is every interface; name the service interface's own", address=text)
        )
    if address.is_multicast or not (address.is_loopback or address.is_private or address.is_link_local):
        raise ProvisioningError(
            Phrase(
                "service address {address}: that is a public address; the page is for a local cable only", address=text
            )
        )
    return str(address)


def names(host: str, port: int) -> frozenset[str]:
    """Return what a page may be called in `Host`, from which clients leave out port 443 (RFC 9110, 4.2.4)."""
    hosts = {host} | ({"localhost"} if host in {"127.0.0.1", "[::1]"} else set())
    return frozenset(f"{host}:{port}" for host in hosts) | (hosts if port == 443 else frozenset())


class Server(PageServer):
    """The page while its session is open."""

    def __init__(self, aiming: Aiming, *, address: str, port: int) -> None:
        """Prepare; nothing listens yet.

        Raises:
            ProvisioningError: the address may not be served on.

        """
        address = service_address(address)
        host = f"[{address}]" if ":" in address else address
        certificate = PageCertificate.make(address)
        self.fingerprint = certificate.fingerprint
        """Of the page's certificate, as browsers show it."""
        pages = application(aiming, hosts=names(host, port))
        super().__init__(pages, host=address, port=port, certificate=certificate.path)
        self._session = aiming.session

    @property
    def link(self) -> str:
        """What opens the page, once."""
        return f"{self.base}/enter/{self._session.token}"

    def close(self, *, last_word_seconds: float = 0.0) -> None:
        """Stop serving, and let no one in any more."""
        self._session.close(Phrase("the command ended"))
        super().close(last_word_seconds=last_word_seconds)

    async def _serve(self) -> None:
        serving = asyncio.create_task(super()._serve())
        while self._session.open:
            over, _ = await asyncio.wait({serving}, timeout=_CHECK_SECONDS)
            if over:
                break
        await asyncio.wait({serving}, timeout=_LAST_WORD_SECONDS)
        self._server.should_exit = True
        await serving
