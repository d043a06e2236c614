"""Serves the aiming page at one address of the unit, and nowhere else, until its session has closed."""

import asyncio
import ipaddress
import threading

import uvicorn

from provisioning.errors import ProvisioningError
from provisioning.technician.aim.aiming import Aiming
from provisioning.technician.aim.web import application

_START_SECONDS = 10.0
_LOOK_SECONDS = 0.2
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
        raise ProvisioningError(f"service address {text!r}: an address of the service interface is wanted") from None
    if address.is_unspecified:
        raise ProvisioningError(f"service address {text}: that is every interface; name the service interface's own")
    if address.is_multicast or not (address.is_loopback or address.is_private or address.is_link_local):
        raise ProvisioningError(f"service address {text}: that is a public address; the page is for a local cable only")
    return str(address)


def names(host: str, port: int) -> frozenset[str]:
    """Return what a page may be called in `Host`, from which clients leave out port 80 (RFC 9110, 4.2.3)."""
    hosts = {host} | ({"localhost"} if host in {"127.0.0.1", "[::1]"} else set())
    return frozenset(f"{each}:{port}" for each in hosts) | (hosts if port == 80 else frozenset())


class Server:
    """The page while it is open: a thread of its own. `start` returns when it can be visited."""

    def __init__(self, aiming: Aiming, *, address: str, port: int) -> None:
        """Prepare; nothing listens yet.

        Raises:
            ProvisioningError: the address may not be served on.

        """
        self._address = service_address(address)
        self._port = port
        self._session = aiming.session
        host = f"[{self._address}]" if ":" in self._address else self._address
        self.base = f"http://{host}:{port}"
        settings = uvicorn.Config(
            application(aiming, hosts=names(host, port)),
            host=self._address,
            port=port,
            lifespan="off",
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._run, name="aim page", daemon=True)

    @property
    def link(self) -> str:
        """What opens the page, once."""
        return f"{self.base}/enter/{self._session.token}"

    def start(self) -> None:
        """Serve.

        Raises:
            ProvisioningError: nothing can be served there.

        """
        self._thread.start()
        waited = threading.Event()
        for _ in range(round(_START_SECONDS / 0.05)):
            if self._server.started:
                return
            if not self._thread.is_alive():
                break
            waited.wait(0.05)
        raise ProvisioningError(f"nothing can be served at {self.base}: is that an address of this unit, and free?")

    def wait(self) -> None:
        """Return when the session has closed and nothing listens any more."""
        self._thread.join()

    def close(self) -> None:
        """Stop serving; a second call does nothing."""
        self._session.close("the command ended")
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except SystemExit:
            return  # uvicorn's way to say that the address cannot be used; `start` says it

    async def _serve(self) -> None:
        serving = asyncio.create_task(self._server.serve())
        while self._session.open:
            over, _ = await asyncio.wait({serving}, timeout=_LOOK_SECONDS)
            if over:
                break
        await asyncio.wait({serving}, timeout=_LAST_WORD_SECONDS)
        self._server.should_exit = True
        await serving
