"""Django's settings for the tests of the department; `conftest.py` says where the cluster is."""

from platepost.department.config.base import *  # noqa: F403
from platepost.department.database.roles import OWNER

SECRET_KEY = "for tests alone"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "platepost",
        # A superuser who works as the owner: so tables are the owner's, and a test may take on each role.
        "USER": "postgres",
        "OPTIONS": {"assume_role": OWNER},
    }
}
# The real one takes half a second of a core for each log-in, as it should.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# A test puts reads in, and looks.
SEARCH_KEPT_SECONDS = 0
