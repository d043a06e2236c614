"""The aiming page on the wire: few routes, one visitor, nothing that a stranger gets but the question for the code."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import jinja2
from anyio import to_thread
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from platepost.common.language import LANGUAGES, Catalog, Phrase, catalog, preferred, translated
from platepost.common.pages import PAGES
from platepost.technician.aim.aiming import Aiming, AimRefusedError

_ASSETS = Path(__file__).parent / "assets"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",  # with none at all a form of our own would come from "null"
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_BREATH_SECONDS = 1.0
"""How long the stream waits for a frame before it says how things stand without one."""
_LANGUAGE_COOKIE = "platepost-language"
_LARGEST_FORM = 1024
_DRAWING = frozenset({"draw", "corner", "undo", "keep"})

Next = Callable[[Request], Awaitable[Response]]


def application(aiming: Aiming, *, hosts: frozenset[str]) -> Starlette:
    """Make the page; `hosts` are the names it answers to: a page elsewhere cannot make a browser speak to it."""
    pages = _Pages(aiming)

    def closed(request: Request) -> Response:
        if request.url.path.startswith("/see/picture/"):
            return Response(status_code=204)  # asked for before the page heard that it has closed
        why = Phrase("This page has closed: {why}.", why=aiming.session.why_closed or "")
        return Response(why.within(catalog(_language(request))), 410)

    async def guard(request: Request, following: Next) -> Response:
        if request.headers.get("host") not in hosts:
            answer = Response("not here", 421)
        elif not _same_origin(request):
            answer = Response("from elsewhere", 403)
        elif not aiming.session.open:
            answer = closed(request)
        else:
            answer = await following(request)
            if answer.status_code == 401 and not aiming.session.open:  # it closed while the request was on its way
                answer = closed(request)
        answer.headers.update(_HEADERS)
        return answer

    return Starlette(
        routes=[
            Route("/", pages.page),
            Route("/enter", pages.enter, methods=["POST"]),
            Route("/enter/{token}", pages.enter_by_link),
            Route("/language/{language:str}", pages.choose_language),
            Route("/{asset:str}", pages.asset),
            Route("/see/events", pages.events),
            Route("/see/picture/{number:int}", pages.picture),
            Route("/do/{what:str}", pages.do, methods=["POST"]),
        ],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=guard)],
    )


def _same_origin(request: Request) -> bool:
    origin = request.headers.get("origin")
    return request.method == "GET" or origin == f"https://{request.headers.get('host')}"


def _language(request: Request) -> str:
    """Return what was chosen by the link, or else what the browser asks for."""
    chosen = request.cookies.get(_LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("accept-language", ""))


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""


class _Pages:
    def __init__(self, aiming: Aiming) -> None:
        self._aiming = aiming
        self._session = aiming.session
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_ASSETS), autoescape=True, undefined=jinja2.StrictUndefined
        )

    def _knows(self, request: Request) -> bool:
        return self._session.knows(request.cookies.get(self._session.COOKIE), address=_address(request))

    async def page(self, request: Request) -> Response:
        language = _language(request)
        words = catalog(language)
        text = self._templates.get_template("aim.html" if self._knows(request) else "enter.html").render(
            language=language,
            others={code: name for code, name in LANGUAGES.items() if code != language},
            words=words,
            t=lambda phrase: words.get(phrase, phrase),
        )
        return HTMLResponse(text)

    async def choose_language(self, request: Request) -> Response:
        answer = RedirectResponse("/", 303)
        if (language := request.path_params["language"]) in LANGUAGES:
            answer.set_cookie(_LANGUAGE_COOKIE, language, secure=True, httponly=True, samesite="strict")
        return answer

    async def asset(self, request: Request) -> Response:
        name = request.path_params["asset"]
        if name == "favicon.ico":
            return Response(status_code=204)
        if name == "design.css":
            return FileResponse(PAGES / name)
        known = {"aim.css", "aim.js", "enter.js"}
        return FileResponse(_ASSETS / name) if name in known else Response("nothing here", 404)

    async def enter_by_link(self, request: Request) -> Response:
        cookie = self._session.enter_by_link(request.path_params["token"], address=_address(request))
        return self._answer(cookie)

    async def enter(self, request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST_FORM:
                return Response("too large", 413)
        code = body.decode("ascii", "replace").partition("code=")[2].replace("+", "").replace("%20", "")
        return self._answer(self._session.enter(code, address=_address(request)))

    def _answer(self, cookie: str | None) -> Response:
        if cookie is None:
            return RedirectResponse("/?wrong", 303)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._session.COOKIE, cookie, secure=True, httponly=True, samesite="strict")
        return answer

    async def events(self, request: Request) -> Response:
        if not self._knows(request):
            return Response("enter first", 401)
        return EventSourceResponse(self._tail(catalog(_language(request))))

    async def _tail(self, words: Catalog) -> AsyncIterator[ServerSentEvent]:
        number: int | None = None
        while self._session.open:
            seen = await to_thread.run_sync(self._aiming.watcher.wait, number, _BREATH_SECONDS, abandon_on_cancel=True)
            number = number if seen is None else seen.number
            state = self._aiming.state(seen or self._aiming.watcher.latest)
            yield ServerSentEvent(json.dumps(translated(state, words)))
        yield ServerSentEvent(json.dumps(translated({"closed": self._session.why_closed}, words)))

    async def picture(self, request: Request) -> Response:
        if not self._knows(request):
            return Response("enter first", 401)
        seen = self._aiming.watcher.latest
        if seen is None:
            return Response("no picture yet", 404)
        return Response(seen.jpeg, media_type="image/jpeg")

    async def do(self, request: Request) -> Response:
        if not self._knows(request):
            return JSONResponse({"said": "enter first"}, 401)
        doers: dict[str, Callable[[], object]] = {
            "accept": self._aiming.accept,
            "forget": self._aiming.forget,
            "infrared": lambda: self._aiming.illuminate(on=True),
            "day": lambda: self._aiming.illuminate(on=False),
            "done": self._aiming.done,
            "done-anyway": lambda: self._aiming.done(anyway=True),
        }
        what = request.path_params["what"]
        query = request.query_params
        if what == "lane":
            doers[what] = lambda: self._aiming.choose(query.get("name"))
        elif what in _DRAWING:
            doers[what] = lambda: self._aiming.draw(what, query)
        doer = doers.get(what)
        if doer is None:
            return JSONResponse({"said": "no such button"}, 404)
        try:
            await to_thread.run_sync(doer)
        except AimRefusedError as error:
            return JSONResponse({"said": translated(error.args[0], catalog(_language(request)))}, 409)
        return JSONResponse({"said": None})
