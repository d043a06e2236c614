"""The live page's server: the page, its streams, and the switches."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import jinja2
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from platepost.common.errors import PlatepostError
from platepost.common.pages import PAGES
from platepost.simulator.live.desk import Desk
from platepost.simulator.live.lists import LARGEST
from platepost.simulator.live.pace import FASTEST, SLOWEST
from platepost.simulator.live.posts import LivePost
from platepost.simulator.live.views import MEDIA_TYPE, PictureFeed

LOCAL = frozenset({"127.0.0.1", "localhost", "[::1]"})

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


HERE = Path(__file__).parent
CALM_SECONDS = 1.0
"""How far apart pictures are for those who asked for little motion."""
PACES = (0.25, 0.5, 1.0, 2.0, 4.0)


def refusal(request: Request, *, local: bool) -> str | None:
    """Say why a request is not answered, None if it may be."""
    host = request.headers.get("host", "")
    if local and host.rsplit(":", 1)[0] not in LOCAL:
        return "this page is for the machine that it runs on"
    origin = request.headers.get("origin")
    if request.method != "GET" and origin is not None and urlsplit(origin).netloc != host:
        return "another page may not drive this one"
    return None


def guarded(
    answer: Callable[[Request], Awaitable[Response]], *, local: bool
) -> Callable[[Request], Awaitable[Response]]:
    """Have an endpoint answer only browsers that opened the page itself, and add the headers to its answers.

    Another page that is open in the same browser must not drive this one, nor one whose name
    points at this machine.
    """

    async def endpoint(request: Request) -> Response:
        refused = refusal(request, local=local)
        response = await answer(request) if refused is None else JSONResponse({"error": refused}, status_code=403)
        response.headers.update(HEADERS)
        return response

    return endpoint


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Switch(_Body):
    on: bool


class _Pace(_Body):
    factor: float = Field(ge=SLOWEST, le=FASTEST)
    paused: bool


BodyT = TypeVar("BodyT", bound=_Body)


class LiveApplication:
    """Answers the page. Everything that may take long is done in other threads."""

    def __init__(self, desk: Desk, *, local: bool) -> None:
        """Make the application of a desk; `local` where only this machine is to reach it."""
        self._desk = desk
        self._views = PictureFeed()
        for post in desk.posts.values():
            self._views.attach(post)
        self._pages = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined
        )

        def route(path: str, answer: Callable[[Request], Awaitable[Response]], method: str = "GET") -> Route:
            return Route(path, guarded(answer, local=local), methods=[method])

        self.application = Starlette(
            routes=[
                route("/", self._page),
                route("/events", self._events),
                route("/posts/{post}/view", self._view),
                route("/posts/{post}/still.jpg", self._still),
                route("/posts/{post}/tamper", self._tamper, "POST"),
                route("/posts/{post}/network", self._network, "POST"),
                route("/posts/{post}/power", self._power, "POST"),
                route("/broker", self._broker, "POST"),
                route("/pace", self._pace, "POST"),
                route("/hot-list", self._hot_list, "POST"),
                Mount("/static", StaticFiles(directory=HERE / "static")),
                Mount("/design", StaticFiles(directory=PAGES)),
            ]
        )

    async def bind(self) -> None:
        """Use the running event loop, which serves the pages; call it there before any event."""
        self._desk.feed.bind()
        self._views.bind()

    # --- looking

    async def _page(self, _request: Request) -> Response:
        desk = self._desk
        posts = [{"name": name, "place": post.place} for name, post in desk.posts.items()]
        page = self._pages.get_template("page.html").render(
            posts=posts, paces=PACES, first=desk.first_list, entrances=desk.console.entrances
        )
        return HTMLResponse(page)

    async def _events(self, request: Request) -> Response:
        # A browser that lost the stream says which event it had last.
        last = self._desk.feed.number(request.headers.get("last-event-id", ""))
        return EventSourceResponse(self._tail(last))

    async def _tail(self, after: int) -> AsyncIterator[ServerSentEvent]:
        async for number, event in self._desk.feed.tail(after):
            yield ServerSentEvent(json.dumps(event), id=self._desk.feed.mark(number))

    async def _view(self, request: Request) -> Response:
        post = self._post(request)
        if post is None:
            return _unknown()
        apart = CALM_SECONDS if "calm" in request.query_params else 0.0
        return StreamingResponse(self._views.stream(post, apart=apart), media_type=MEDIA_TYPE)

    async def _still(self, request: Request) -> Response:
        post = self._post(request)
        if post is None:
            return _unknown()
        picture = await self._views.still(post)
        if picture is None:
            return JSONResponse({"error": f"{post.name} shows nothing"}, status_code=503)
        return Response(picture.jpeg, media_type="image/jpeg")

    # --- doing

    async def _tamper(self, request: Request) -> Response:
        return await self._switch(request, lambda post, on: self._desk.press_tamper(post, opened=on))

    async def _network(self, request: Request) -> Response:
        return await self._switch(request, lambda post, on: self._desk.switch_network(post, connected=on))

    async def _power(self, request: Request) -> Response:
        return await self._switch(request, lambda post, on: self._desk.switch_power(post, on=on))

    async def _switch(self, request: Request, do: Callable[[str, bool], None]) -> Response:
        post = self._post(request)
        if post is None:
            return _unknown()
        return await self._act(request, _Switch, lambda body: do(post.name, body.on))

    async def _broker(self, request: Request) -> Response:
        return await self._act(request, _Switch, lambda body: self._desk.switch_broker(running=body.on))

    async def _pace(self, request: Request) -> Response:
        return await self._act(request, _Pace, lambda body: self._desk.set_pace(factor=body.factor, paused=body.paused))

    async def _hot_list(self, request: Request) -> Response:
        content = bytearray()
        async for piece in request.stream():
            content += piece
            if len(content) > LARGEST:
                return JSONResponse({"error": f"a list of more than {LARGEST >> 20} MiB"}, status_code=413)
        if not content:
            return JSONResponse({"error": "the file is empty"}, status_code=400)
        reason = request.query_params.get("reason")
        try:
            published = await run_in_threadpool(self._desk.lists.take, bytes(content), reason=reason)
        except PlatepostError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(published.as_json())

    async def _act(self, request: Request, form: type[BodyT], do: Callable[[BodyT], None]) -> Response:
        try:
            body = form.model_validate_json(await request.body())
        except ValidationError as error:
            return _wrong(error)
        try:
            await run_in_threadpool(do, body)
        except PlatepostError as error:
            return JSONResponse({"error": str(error)}, status_code=503)
        return JSONResponse(self._desk.state())

    def _post(self, request: Request) -> LivePost | None:
        return self._desk.posts.get(request.path_params["post"])


def _unknown() -> Response:
    return JSONResponse({"error": "there is no such post"}, status_code=404)


def _wrong(error: ValidationError) -> Response:
    return JSONResponse({"error": f"the request is not of this form: {error.errors()[0]['msg']}"}, status_code=400)
