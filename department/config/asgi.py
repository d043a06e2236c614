"""The pages as an ASGI application."""

import warnings

from django.conf import settings
from django.core.asgi import get_asgi_application

from platepost.department.people.device import known_browser
from platepost.department.web.admission import Admission

# Of whitenoise's files, which are small.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

application = get_asgi_application()


def admitted() -> Admission:
    """Return the application behind its limits: see `platepost.department.web.admission`."""
    return Admission(application, settings.SESSION_COOKIE_NAME, known_browser)
