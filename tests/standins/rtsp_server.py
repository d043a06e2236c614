"""An RTSP server with what IP cameras do, and do wrong: RTSP 1.0 (RFC 2326), H.264 by RTP (RFC 6184), over TCP.

It stands in for a camera where a test needs to cut the stream, stall it, refuse a password, or send no sender reports.
Servers that others wrote are tried by `make conformance CAMERA=rtsp://...`.
"""

import base64
import hashlib
import re
import secrets
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

PAYLOAD, CLOCK = 96, 90_000
LARGEST = 1_400
"""Bytes of a packet; larger units are fragmented."""
NTP_EPOCH = 2_208_988_800
"""Seconds from 1900, where RTCP counts from, to 1970."""


def encoded(pictures: Sequence[NDArray[np.uint8]], frames_per_second: int) -> list[list[bytes]]:
    """Encode gray pictures, H x W uint8, each as a list of NAL units; each can be decoded without those before."""
    height, width = pictures[0].shape
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, frames_per_second), Fraction(frames_per_second)
    context.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "1", "crf": "18"}
    units: list[list[bytes]] = []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")
        frame.pts = number
        units += [nal_units(bytes(packet)) for packet in context.encode(frame)]
    return units + [nal_units(bytes(packet)) for packet in context.encode(None)]


def nal_units(stream: bytes) -> list[bytes]:
    """Split a byte stream at its start codes."""
    return [unit for unit in re.split(rb"\x00\x00\x00?\x01", stream) if unit]


class RtspServer:
    """Serves one clip, again and again, to whoever asks.

    Args:
        pictures: gray, H x W uint8.
        frames_per_second: how fast.
        password: of the user `viewer`, by digest authentication; None for everyone.
        context: for TLS.

    """

    def __init__(
        self,
        pictures: Sequence[NDArray[np.uint8]],
        *,
        frames_per_second: int = 20,
        password: str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.units = encoded(pictures, frames_per_second)
        self.frames_per_second, self.password, self.context = frames_per_second, password, context
        self.reports = True
        """Whether it sends its clock."""
        self.clock_ahead = 0.0
        """Seconds by which its clock is ahead of this machine's."""
        self.description = self.described()
        self.trouble: str | None = None
        """What is wrong with its packets: `reordered`, `flooded` with foreign ones, `truncated`."""
        self.stalled = threading.Event()
        self.sessions: list[_Session] = []
        self.frames = 0
        """How many it has sent."""
        self.nonce = secrets.token_hex(8)
        self._server: socketserver.ThreadingTCPServer | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Return the address of its stream."""
        return f"{'rtsps' if self.context else 'rtsp'}://127.0.0.1:{self.port}/stream"

    def start(self) -> "RtspServer":
        """Listen, at the port of before if there was one."""
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        camera = self

        class Handler(_Session):
            server_of_camera = camera

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Listen no more, and hang up."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        """Hang up on everyone."""
        for session in list(self.sessions):
            session.hang_up()

    def described(self) -> str:
        """Describe its stream, RFC 4566."""
        description = "v=0\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        description += f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={self._parameter_sets()}\r\n"
        return description + "a=control:track1\r\n"

    def _parameter_sets(self) -> str:
        sets = [unit for unit in self.units[0] if unit[0] & 31 in (7, 8)]
        return ",".join(base64.b64encode(unit).decode() for unit in sets)

    def admits(self, method: str, header: str) -> bool:
        """Check the answer to the digest challenge, RFC 2617."""
        if self.password is None:
            return True
        given = dict(re.findall(r'(\w+)="([^"]*)"', header))

        def digest(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - as the protocol has it

        first = digest(f"viewer:camera:{self.password}")
        second = digest(f"{method}:{given.get('uri')}")
        return given.get("response") == digest(f"{first}:{self.nonce}:{second}")


class _Session(socketserver.StreamRequestHandler):
    server_of_camera: RtspServer

    def setup(self) -> None:
        if self.server_of_camera.context is not None:
            self.request = self.server_of_camera.context.wrap_socket(self.request, server_side=True)
        super().setup()
        self._writing = threading.Lock()
        self._over = threading.Event()
        self.server_of_camera.sessions.append(self)

    def finish(self) -> None:
        self._over.set()
        self.server_of_camera.sessions.remove(self)

    def hang_up(self) -> None:
        self._over.set()
        try:
            self.request.shutdown(2)
        except OSError:
            return

    def handle(self) -> None:
        try:
            while request := self._request():
                self._answer(*request)
        except OSError:
            return

    def _request(self) -> tuple[str, str, dict[str, str]] | None:
        while (first := self.rfile.read(1)) == b"$":  # the client's own reports
            _, length = struct.unpack(">BH", self.rfile.read(3))
            self.rfile.read(length)
        line = (first + self.rfile.readline()).decode("ascii").split()
        if len(line) != 3:
            return None
        headers = {}
        while (header := self.rfile.readline().decode("ascii").strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        return line[0], line[1], headers

    def _answer(self, method: str, _url: str, headers: dict[str, str]) -> None:
        camera, more, body, status = self.server_of_camera, "", "", "200 OK"
        if method != "OPTIONS" and not camera.admits(method, headers.get("authorization", "")):
            status, more = "401 Unauthorized", f'WWW-Authenticate: Digest realm="camera", nonce="{camera.nonce}"\r\n'
        elif method == "DESCRIBE":
            body, more = camera.description, "Content-Type: application/sdp\r\n"
        elif method == "SETUP":
            more = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        elif method == "PLAY":
            more = "Session: 1\r\n"
        text = f"RTSP/1.0 {status}\r\nCSeq: {headers.get('cseq')}\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}"
        self._send(text.encode())
        if method == "PLAY" and status.startswith("200"):
            threading.Thread(target=self._play, daemon=True).start()

    def _send(self, data: bytes) -> None:
        with self._writing:
            self.request.sendall(data)

    def _play(self) -> None:
        camera, begin, sequence, frame = self.server_of_camera, time.monotonic(), 0, 0
        try:
            while not self._over.is_set():
                ticks = frame * CLOCK // camera.frames_per_second
                if camera.reports and frame % camera.frames_per_second == 0:
                    self._report(begin, ticks)
                sent = []
                for packet, last in packets(camera.units[frame % len(camera.units)]):
                    header = struct.pack(">BBHII", 0x80, PAYLOAD | (last << 7), sequence & 0xFFFF, ticks, 1)
                    sent.append(header + packet)
                    sequence += 1
                self._send(b"".join(interleaved(0, packet) for packet in troubled(sent, camera.trouble)))
                frame += 1
                camera.frames += 1
                self._over.wait(max(0.0, begin + frame / camera.frames_per_second - time.monotonic()))
                while camera.stalled.is_set() and not self._over.wait(0.02):
                    pass
        except OSError:
            return

    def _report(self, begin: float, ticks: int) -> None:
        """Send a sender report: the clock at these ticks."""
        at = time.time() - time.monotonic() + begin + ticks / CLOCK + self.server_of_camera.clock_ahead + NTP_EPOCH
        seconds = int(at)
        fraction = int((at - seconds) * 2**32)
        report = struct.pack(">BBHIIIIII", 0x80, 200, 6, 1, seconds & 0xFFFFFFFF, fraction, ticks, 0, 0)
        self._send(interleaved(1, report))


def interleaved(channel: int, content: bytes) -> bytes:
    """Return a packet as it stands in a TCP connection, RFC 2326, section 10.12."""
    return struct.pack(">cBH", b"$", channel, len(content)) + content


def troubled(sent: list[bytes], trouble: str | None) -> list[bytes]:
    """Return the packets of a frame with what is wrong with them."""
    if trouble == "reordered":
        return sent[::-1]
    if trouble == "flooded":
        foreign = struct.pack(">BBHII", 0x80, 97, 1, 1, 2) + bytes(1000)  # of another payload and sender
        return [foreign] * 500 + sent
    if trouble == "truncated":
        return [packet[: len(packet) // 2] for packet in sent]
    return sent


def packets(units: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield the packets of a frame, and whether each is its last."""
    for index, unit in enumerate(units):
        ends = index == len(units) - 1
        if len(unit) <= LARGEST:
            yield unit, ends
            continue
        pieces = [unit[at : at + LARGEST] for at in range(1, len(unit), LARGEST)]
        for number, piece in enumerate(pieces):
            first, last = number == 0, number == len(pieces) - 1
            kind = bytes([unit[0] & 0xE0 | 28, first << 7 | last << 6 | unit[0] & 0x1F])  # FU-A
            yield kind + piece, ends and last
