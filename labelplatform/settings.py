"""The site's settings, all from the environment. Importing this file writes nothing and starts nothing."""

import secrets
from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from labelplatform.broker import embedded_url
from labelplatform.environment import Environment, broker_url, database

_environment = Environment()

BASE_DIR = Path(__file__).resolve().parent.parent
LABELPLATFORM_DATA = _environment.folder("LABELPLATFORM_DATA", BASE_DIR / "var")
ARTIFACTS_DIR = _environment.folder("ARTIFACTS_DIR", LABELPLATFORM_DATA / "artifacts")

DEBUG = _environment.boolean("DEBUG", False)
SECRET_KEY_PATH = LABELPLATFORM_DATA / "secret_key"
SECRET_KEY = _environment.secret("SECRET_KEY", SECRET_KEY_PATH)
if not SECRET_KEY and DEBUG:
    # A developer's server signs nobody out by mistake but itself: a new key at each start, never a known one.
    SECRET_KEY = secrets.token_urlsafe(50)
ALLOWED_HOSTS = _environment.words("ALLOWED_HOSTS", ("127.0.0.1", "localhost"))
CSRF_TRUSTED_ORIGINS = _environment.words("CSRF_TRUSTED_ORIGINS")

# In the order the data walks: code arrows point from right to left only.
STREET = (
    *("accounts", "jobs", "prompts", "labels", "chat"),
    *("snapshots", "training", "evaluations", "ladders", "reports", "demo"),
)
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    *(f"labelplatform.{app}.apps.{app.capitalize()}Config" for app in STREET),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "labelplatform.accounts.sessions.PersonMiddleware",
    "labelplatform.accounts.language.user_language",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "labelplatform.urls"
ASGI_APPLICATION = "labelplatform.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {
    "default": database(
        _environment.text("DATABASE_URL", f"sqlite:///{LABELPLATFORM_DATA / 'platform.sqlite3'}")
    )
}
# In each process: the fixed parts of pages that people open all day. Nothing of anybody is kept there.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "TIMEOUT": None,
        "OPTIONS": {"MAX_ENTRIES": 2000},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["labelplatform.accounts.sessions.SignedIn"]
SESSION_ENGINE = "labelplatform.accounts.sessions"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:sign_in"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "labelplatform" / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "labelplatform" / "static"]
STATIC_ROOT = _environment.text("STATIC_ROOT") or None
# The demo serves straight from the source tree; a deployment collects once and gives STATIC_ROOT.
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False

# HTTPS=False only for a browser on this machine (the demo on 127.0.0.1) or behind a proxy under test.
HTTPS = _environment.boolean("HTTPS", not DEBUG)
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if _environment.boolean("BEHIND_PROXY", False) else None
)
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

# How long an item is promised to an annotator without a sign of life.
LEASE_SECONDS = _environment.integer("LEASE_SECONDS", 900, low=2, high=86_400)

JOB_LEASE_SECONDS = _environment.integer("JOB_LEASE_SECONDS", 30, low=2, high=3600)
JOB_HEARTBEAT_SECONDS = min(2.0, JOB_LEASE_SECONDS / 6)
JOB_GRACE_SECONDS = _environment.integer("JOB_GRACE_SECONDS", 5, low=1, high=300)
JOB_ATTEMPTS = 3
JOB_SLOTS = _environment.integer("JOB_SLOTS", 2, low=1, high=256)
JOB_RING_AGAIN_SECONDS = _environment.integer("JOB_RING_AGAIN_SECONDS", 60, low=1, high=86400)
JOB_REAP_SECONDS = _environment.integer("JOB_REAP_SECONDS", 5, low=1, high=3600)

BROKER_EMBEDDED = not _environment.text("REDIS_URL")
CELERY_BROKER_URL = broker_url(_environment.text("REDIS_URL", embedded_url(LABELPLATFORM_DATA)))
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "housekeeping"
# Longer than the longest job: an unacknowledged bell must not ring beside a living run. Lost ones are the reaper's.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 7 * 24 * 3600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 2,
}
CELERY_BEAT_SCHEDULE = {
    "reap": {
        "task": "jobs.reap_lost_jobs",
        "schedule": float(JOB_REAP_SECONDS),
        # A bell nobody heard in time is dropped: the next one does the same work.
        "options": {"queue": "housekeeping", "expires": JOB_REAP_SECONDS},
    },
    "schedules": {
        "task": "jobs.ring_schedules",
        "schedule": float(JOB_REAP_SECONDS),
        "options": {"queue": "housekeeping", "expires": JOB_REAP_SECONDS},
    },
    "chores": {
        "task": "jobs.do_chores",
        "schedule": float(JOB_REAP_SECONDS),
        "options": {"queue": "housekeeping", "expires": JOB_REAP_SECONDS},
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": _environment.text("LOG_LEVEL", "INFO")},
}
