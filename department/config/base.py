"""What Django is told for every department, wherever its folder and its database are."""

from pathlib import Path

INSTALLED_APPS = [
    "department.ledger",
    "department.custody",
    "department.search",
    "department.web",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "department.web.middleware.SecurityHeaders",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "department.config.urls"
ASGI_APPLICATION = "department.config.asgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
USE_I18N = False
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False

DEBUG = False
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "no-referrer"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
STATUS_DISKS: dict[str, Path] = {}
"""Folders whose disks the status page shows, by what they hold."""
STATUS_RECEIPTS: Path | None = None
"""The log of receipts, by which the status page names incidents."""
# The commands set logging up, as every command of Platepost does.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"without_path": {"()": "department.config.logs.WithoutPath"}},
    "loggers": {
        "django.request": {"level": "ERROR", "filters": ["without_path"]},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
