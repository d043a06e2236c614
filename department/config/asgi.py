"""The pages as an ASGI application."""

import warnings

from django.core.asgi import get_asgi_application

# Of whitenoise's files, which are small.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

application = get_asgi_application()
