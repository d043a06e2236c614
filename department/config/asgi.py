"""The department's pages as an ASGI application: `limited_application`."""

import gc
import warnings

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from platepost.department.people.device import known_browser
from platepost.department.web.admission import Admission, Application

# Raised for WhiteNoise's static files. They are small, so reading one at once is fine.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")


def load_views() -> None:
    """Import all views now, so that the first request does not wait for it. Django must be set up."""
    reverse("console")
    # All of this lives as long as the process. A full collection of it takes 0.1 s, which would delay a hit.
    gc.collect()
    gc.freeze()


class PagesHandler(ASGIHandler):
    """Runs a request with all middleware in one thread; only a streaming response continues in the event loop.

    Every view is synchronous. Django's own handler switches between the event loop and threads about twenty times per
    request, and each time waits for the GIL.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)  # not ASGIHandler's, which would load the middleware as asynchronous
        self.load_middleware()
        load_views()

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


def limited_application(others: Application | None = None) -> Admission:
    """Return the application with its connection limits: see `platepost.department.web.admission`.

    Args:
        others: the application for everything but the console; None if this process answers it.

    """
    return Admission(PagesHandler(), settings.SESSION_COOKIE_NAME, others, known_browser)
