"""The pages as an ASGI application."""

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

# Of whitenoise's files, which are small.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")


def load_views() -> None:
    """Load all views, which the first request would wait for; Django works on a folder."""
    reverse("console")
    # All of this stays. A collection that goes through it takes a tenth of a second, for which a hit would wait.
    gc.collect()
    gc.freeze()


class PagesHandler(ASGIHandler):
    """Answers a request in one thread, with all middleware; only a stream then goes on in the event loop.

    Every view is synchronous. Django's own handler changes between the loop and threads some twenty times a request,
    and waits each time for the interpreter, which other requests have.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware()
        load_views()

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


def admitted(others: Application | None = None) -> Admission:
    """Return the application behind its limits: see `platepost.department.web.admission`. Django works on a folder.

    Args:
        others: answers what is not the console's; None: this process does.

    """
    return Admission(PagesHandler(), settings.SESSION_COOKIE_NAME, others, known_browser)
