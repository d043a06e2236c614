"""The settings of Django that every department has, wherever its folder and its database are."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from platepost.common.pages import PAGES
from platepost.department.custody.bucket import PictureBucket
from platepost.department.policy.policy import DEFAULT

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    # Before allauth, for its templates.
    "platepost.department.people",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "platepost.department.database",
    "platepost.department.policy",
    "platepost.department.ledger",
    "platepost.department.custody",
    "platepost.department.search",
    "platepost.department.archive",
    "platepost.department.alerts",
    "platepost.department.lists",
    "platepost.department.audits",
    "platepost.department.sharing",
    "platepost.department.federation",
    "platepost.department.status",
    "platepost.department.web",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "platepost.department.web.middleware.StaticFilesGZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "platepost.department.web.middleware.SecurityHeadersMiddleware",
    "platepost.department.web.middleware.CloseDatabaseForStreamsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "platepost.department.people.access.AccessMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "platepost.department.config.urls"
DATABASES: dict[str, dict[str, Any]] = {"default": {"ENGINE": "django.db.backends.postgresql"}}
"""Where it is, and the role of a program, its folder says."""
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["platepost.department.web.moments"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "platepost.department.web.navigation.navigation",
                "platepost.department.people.pending.pending_file",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [Path(__file__).parents[1] / "locale"]
"""Where `make messages` keeps translations of the pages."""
STATIC_URL = "/static/"
STATICFILES_DIRS = [PAGES]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False

DEBUG = False
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
"""Not `no-referrer`: forms would be sent without their origin, which is checked."""
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "platepost.department.people.sessions"
SESSION_COOKIE_AGE = 12 * 3600
"""Seconds; no one stays logged in for longer, whatever they do."""
SESSION_COOKIE_SAMESITE = "Lax"
"""Not Strict: an identity provider sends people back by a link."""
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"

DATA_UPLOAD_MAX_MEMORY_SIZE = 2**18
"""Bytes of a form without its files: no text of a page is longer, and what is asked is kept in the ledger."""

AUTH_USER_MODEL = "people.DepartmentPerson"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["platepost.department.people.hashing.BackgroundHasher"]
AUTH_PASSWORD_VALIDATORS = [
    # NIST SP 800-63B and CJIS IA-5: length and a list of common ones, no rules about characters.
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["login", "name", "badge"]},
    },
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "platepost.department.people.login.LoginAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "login"
ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
"""The cookie's age is the 12 hours."""
ACCOUNT_RATE_LIMITS = False
"""Failures are counted in the database: see `platepost.department.people.lockout`."""
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_REAUTHENTICATION_METHODS = {"mfa"}
"""A password alone is no fresh authentication."""
MFA_ADAPTER = "platepost.department.people.login.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_RATE_LIMITS = False
MFA_TOTP_ISSUER = "Platepost"
MFA_TOTP_TOLERANCE = 1
MFA_FORMS = {
    "authenticate": "platepost.department.people.login.CodeForm",
    "reauthenticate": "platepost.department.people.login.FreshCodeForm",
}
EMAIL_HOST = ""
"""No mail is sent unless the department's folder names a server."""
SOCIALACCOUNT_ADAPTER = "platepost.department.people.login.ProviderAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = True
"""By a link: the content security policy sends no form elsewhere."""
PEOPLE_IDLE = timedelta(minutes=30)
"""After which a session ends, but on a dispatch console."""
PEOPLE_TRAINING = timedelta(days=365)
"""For how long passed training counts (CJIS AT-2)."""
PEOPLE_BANNER = ""
"""What must be agreed to before log-in; the program's own text where empty."""
STATUS_DISKS: dict[str, Path] = {}
"""Folders whose disks the status page shows, by what they hold."""
BROKERS: tuple[str, ...] = ()
"""Every broker that the keeper takes records from, in the order of the settings."""
POLICY_FILE: Path = DEFAULT
"""The policy file."""
STORED_REGISTER = Path("register.json")
"""The register of the fleet that is in force."""
TRAINING_FOLDER = Path("training")
"""The folder of exercises."""
HOUSEHOLD_PUBLIC = Path("household-key.pub")
"""What people's own households are sealed to."""
LEDGER_JOURNAL = Path("journal")
"""The folder of the journal, for while the ledger cannot be written."""
AGENCY = "department"
"""The department, as in the topics."""
DEPARTMENT_NAME = ""
"""As people write it; empty where no one has said it."""
GO_LIVE: dict[str, Any] = {}
"""Of the installation, what the page about going live shows: `hosts`, `backups`, `witness`."""
CONTACT = ""
"""Whom the public and the affected of a breach ask."""
FEDERATION = Path("federation")
"""The folder of its key and certificate among departments."""
PLACES_FILE = Path("places.geojson")
"""The department's map, if there is one."""
TILES_FILE = Path("streets.pmtiles")
"""The tiles of its streets, if there are any."""
SEARCH_KEPT_SECONDS = 300
"""For how long the pages of a process go by what they know of all reads: since when there are any, say."""
PICTURE_BUCKET: PictureBucket | None = None
"""Where pictures are stored that are not in the database."""
STATUS_RECEIPTS: Path | None = None
"""The log of receipts, by which the status page names incidents."""
STATUS_NIGHTLY: Path | None = None
"""Where `nightly` reports."""
ARCHIVE_EVIDENCE = Path("evidence")
"""The folder of encrypted packages of evidence."""
ARCHIVE_HOLDS: Path | None = None
"""Where holds are written, beside the database."""
# The commands set logging up, as every command of Platepost does.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"without_path": {"()": "platepost.department.config.logs.WithoutPath"}},
    "loggers": {
        "django.request": {"level": "ERROR", "filters": ["without_path"]},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
