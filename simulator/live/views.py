"""The views of the posts as streams of JPEG pictures, which every browser shows in an image."""

import asyncio
from collections.abc import AsyncIterator

from platepost.simulator.live.posts import JpegFrame, LivePost

BOUNDARY = "picture"
MEDIA_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
SILENT_SECONDS = 2.0
"""After which a picture is sent again: browsers show a picture only when the next one begins."""
STILL_SECONDS = 5.0
"""For one picture of a post that no one watched."""


class PictureFeed:
    """The newest picture of each post, handed to anyone who watches; nothing is painted while no one does."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: dict[str, asyncio.Condition] = {}
        self._newest: dict[str, JpegFrame] = {}

    def bind(self) -> None:
        """Use the running event loop, which serves the pages."""
        self._loop = asyncio.get_running_loop()

    def attach(self, post: LivePost) -> None:
        """Take the pictures of a post."""
        self._changed[post.name] = asyncio.Condition()
        post.seen = lambda picture: self._take(post.name, picture)

    async def stream(self, post: LivePost, *, apart: float = 0.0) -> AsyncIterator[bytes]:
        """Yield the parts of a stream of pictures, at least `apart` seconds apart, as long as it is read."""
        post.watch(1)
        try:
            sent = 0
            while True:
                picture = await self._next(post.name, sent)
                if picture is not None:
                    sent = picture.number
                    yield _part(picture.jpeg)
                if apart:
                    await asyncio.sleep(apart)
        finally:
            post.watch(-1)

    async def still(self, post: LivePost) -> JpegFrame | None:
        """Return a fresh picture, None if none comes in time."""
        post.watch(1)
        try:
            newest = self._newest.get(post.name)
            async with asyncio.timeout(STILL_SECONDS):
                return await self._newer(post.name, newest.number if newest else 0)
        except TimeoutError:
            return None
        finally:
            post.watch(-1)

    async def _next(self, name: str, sent: int) -> JpegFrame | None:
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                return await self._newer(name, sent)
        except TimeoutError:
            return self._newest.get(name)

    async def _newer(self, name: str, sent: int) -> JpegFrame:
        changed = self._changed[name]
        async with changed:
            while (newest := self._newest.get(name)) is None or newest.number <= sent:
                await changed.wait()
        return newest

    def _take(self, name: str, picture: JpegFrame) -> None:
        if self._loop is not None and not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._publish(name, picture), self._loop)

    async def _publish(self, name: str, picture: JpegFrame) -> None:
        async with self._changed[name]:
            self._newest[name] = picture
            self._changed[name].notify_all()


def _part(jpeg: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"
