"""Serves JPEG pictures, again and again, by GStreamer's RTSP server; runs on Debian's Python, which has its bindings.

/usr/bin/python3 gstreamer_server.py PORT FOLDER [--digest PASSWORD] [--tls CERTIFICATE KEY] [--h265] [--rate FRAMES]
/usr/bin/python3 gstreamer_server.py PORT - --clock     a picture of the clock instead, for `painted_clock`
"""

import argparse
import sys
import threading
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
gi.require_version("GstRtsp", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - versions first

Gst.init(None)
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("port")
parser.add_argument("folder")
parser.add_argument("--digest", metavar="PASSWORD")
parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
parser.add_argument("--h265", action="store_true")
parser.add_argument("--rate", type=int, default=15)
parser.add_argument("--clock", action="store_true")
asked = parser.parse_args()

BITS, WIDTH, HEIGHT = 48, 768, 64
"""Of the painted clock, milliseconds since 1970: a bar for each bit, the least first, black or white."""


def paint(media: GstRtspServer.RTSPMedia) -> None:
    """Feed pictures of the clock to a stream."""
    source = media.get_element().get_by_name("clock")
    bar = WIDTH // BITS

    def feed() -> None:
        while True:
            now = time.time_ns() // 1_000_000
            row = b"".join((b"\xeb" if now >> bit & 1 else b"\x10") * bar for bit in range(BITS))
            picture = Gst.Buffer.new_wrapped(row * HEIGHT + b"\x80" * (WIDTH * HEIGHT // 2))
            if source.emit("push-buffer", picture) != Gst.FlowReturn.OK:
                return
            time.sleep(1 / asked.rate)

    threading.Thread(target=feed, daemon=True).start()


codec = 265 if asked.h265 else 264
encoder = f"x{codec}enc speed-preset=ultrafast tune=zerolatency bitrate=4000 key-int-max={asked.rate}"
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(asked.port)
factory = GstRtspServer.RTSPMediaFactory()
if asked.clock:
    frames = (
        f"appsrc name=clock is-live=true format=time do-timestamp=true "
        f"caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={asked.rate}/1"
    )
    factory.connect("media-configure", lambda _factory, media: paint(media))
else:
    frames = (
        f"multifilesrc location={asked.folder}/%03d.jpg loop=true caps=image/jpeg,framerate={asked.rate}/1 ! jpegdec "
        f"! videoconvert ! video/x-raw,format=I420"
    )
factory.set_launch(f"( {frames} ! {encoder} ! h{codec}parse config-interval=-1 ! rtph{codec}pay name=pay0 pt=96 )")
factory.set_shared(True)
if asked.digest or asked.tls:
    auth = GstRtspServer.RTSPAuth()
    if asked.tls:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(*asked.tls))
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)
    if asked.digest:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest("viewer", asked.digest, token)
    else:
        auth.set_default_token(token)
    server.set_auth(auth)
server.get_mount_points().add_factory("/stream", factory)
server.attach(None)
sys.stdout.write("serving\n")
sys.stdout.flush()
GLib.MainLoop().run()
