"""Settings of the portal: every environment variable is read here, once, and listed in ``.env.example``."""

from datetime import timedelta
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from finops_site import release

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env(
    DEBUG=(bool, False),
    DEMO=(bool, False),
    ALLOWED_HOSTS=(list, []),
    CSRF_TRUSTED_ORIGINS=(list, []),
    LOG_LEVEL=(str, "INFO"),
    LOG_FILE=(str, ""),
    METRICS_TOKEN=(str, ""),
    ADMINS=(list, []),
    OUTSCALE_API_URL=(str, "https://api.{region}.outscale.com/api/v1"),
    OUTSCALE_OOS_URL=(str, "https://oos.{region}.outscale.com"),
    OUTSCALE_REGIONS=(list, ["eu-west-2", "cloudgouv-eu-west-1", "us-east-2", "us-west-1"]),
    OUTSCALE_CURRENCIES=(
        dict,
        {"eu-west-2": "EUR", "cloudgouv-eu-west-1": "EUR", "us-east-2": "USD", "us-west-1": "USD"},
    ),
    OUTSCALE_TIMEOUT_SECONDS=(float, 10.0),
    OUTSCALE_REQUESTS_PER_SECOND=(float, 5.0),
    SESSION_IDLE_MINUTES=(int, 30),
    CATALOG_TTL_HOURS=(int, 24),
    COST_TTL_MINUTES=(int, 5),
    CONSUMPTION_TTL_MINUTES=(int, 60),
    PAGE_TTL_SECONDS=(int, 300),
    PROXY_COUNT=(int, 0),
    WEBHOOK_ALLOWED_HOSTS=(list, []),
    HSTS_SECONDS=(int, 365 * 24 * 3600),
    HSTS_SUBDOMAINS=(bool, True),
    HSTS_PRELOAD=(bool, False),
)
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

# --- How safe this process must be -----------------------------------------------------------------------
# DEBUG is for developers. DEMO is everything as in production, but over plain HTTP and on this machine only.
DEBUG = env("DEBUG")
DEMO = env("DEMO")
HTTPS = not DEBUG and not DEMO
LOOPBACK_HOSTS = ["127.0.0.1", "localhost"]

if DEBUG or DEMO:
    SECRET_KEY = env("SECRET_KEY", default="insecure-and-only-for-this-machine-never-for-production")
    ALLOWED_HOSTS = LOOPBACK_HOSTS
else:
    SECRET_KEY = env("SECRET_KEY")
    ALLOWED_HOSTS = env("ALLOWED_HOSTS")
# Former ones, which still open what they have sealed while SECRET_KEY seals all that is new.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
CSRF_TRUSTED_ORIGINS = env("CSRF_TRUSTED_ORIGINS")

# The keys of the sandbox, which a demo offers on its login page.
DEMO_ACCESS_KEY = env("DEMO_ACCESS_KEY", default="") if DEMO else ""
DEMO_SECRET_KEY = env("DEMO_SECRET_KEY", default="") if DEMO else ""
DEMO_MORE_KEYS = env.list("DEMO_MORE_KEYS", default=[]) if DEMO else []  # access key:secret key

# --- The cloud -------------------------------------------------------------------------------------------
OUTSCALE_API_URL = env("OUTSCALE_API_URL")
OUTSCALE_OOS_URL = env("OUTSCALE_OOS_URL")
OUTSCALE_REGIONS = env("OUTSCALE_REGIONS")
OUTSCALE_CURRENCIES = env("OUTSCALE_CURRENCIES")
OUTSCALE_TIMEOUT_SECONDS = env("OUTSCALE_TIMEOUT_SECONDS")
OUTSCALE_REQUESTS_PER_SECOND = env("OUTSCALE_REQUESTS_PER_SECOND")
CATALOG_TTL_HOURS = env("CATALOG_TTL_HOURS")
COST_TTL_MINUTES = env("COST_TTL_MINUTES")
CONSUMPTION_TTL_MINUTES = env("CONSUMPTION_TTL_MINUTES")

# --- Django ----------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "ninja",
    "finops_site",
    "budgets",
    "consumption",
    "quotes",
    "costs",
    "accounts",
]

MIDDLEWARE = [
    "finops_site.requestmetrics.BeforeAll",
    "finops_site.requestlog.request_log",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "finops_site.bodysize.BodySize",
    "finops_site.middleware.session_transport",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "finops_site.middleware.htmx_redirects",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "finops_site.middleware.SessionKeeper",
    "finops_site.middleware.LoginCheck",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "finops_site.requestmetrics.AfterAll",
    "finops_site.answers.RememberedAnswers",
]

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
                "finops_site.shell.shell",
            ],
        },
    }
]

ROOT_URLCONF = "finops_site.urls"
WSGI_APPLICATION = "finops_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Database and cache ----------------------------------------------------------------------------------
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'var' / 'portal.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Two writers wait for each other instead of failing: the write lock is taken when a transaction begins.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # The last connection that is closed takes files away that the next one makes anew. For that there must be
    # room on the disk: with none left, nothing could be read either.
    DATABASES["default"]["CONN_MAX_AGE"] = None
else:
    DATABASES["default"]["ENGINE"] = "finops_site.postgresql"
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Without these, a database that has gone without a word holds whoever asks it for a quarter of an hour.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 3,
        "tcp_user_timeout": 10_000,
        # The same questions come again and again: a connection plans each once.
        "server_side_binding": True,
        "prepare_threshold": 5,
    } | DATABASES["default"].get("OPTIONS", {})
CACHES = {"default": env.cache("CACHE_URL", default="dbcache://portal_cache")}
if CACHES["default"]["BACKEND"].endswith(".DatabaseCache"):
    # Django's own limit is 300 entries, above which it also drops turns of refreshes going on.
    CACHES["default"].setdefault("OPTIONS", {}).setdefault("MAX_ENTRIES", 100_000)
    CACHES["default"]["BACKEND"] = "finops_site.sharedcache.TableCache"
if CACHES["default"]["BACKEND"].endswith(".RedisCache"):
    CACHES["default"]["BACKEND"] = "finops_site.sharedcache.SharedCache"
    # A server that has vanished answers nothing at all: nobody waits long for what can be done without.
    patience = {"socket_connect_timeout": 1, "socket_timeout": 1}
    CACHES["default"]["OPTIONS"] = patience | CACHES["default"].get("OPTIONS", {})
# Entries are pickles: another release, which may run beside this one during an upgrade, could not read them.
CACHES["default"]["KEY_PREFIX"] = f"{CACHES['default'].get('KEY_PREFIX', '')}{release.sum_of(BASE_DIR)}"
# Answers of finops_site.answers, of about 10 KiB each.
CACHES["answers"] = {
    "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
    "OPTIONS": {"MAX_ENTRIES": 1000},
}
if CACHES["default"]["BACKEND"].endswith(".SharedCache"):
    CACHES["shared answers"] = CACHES["default"] | {
        "BACKEND": "finops_site.sharedcache.SharedOrNothing",
        "KEY_PREFIX": f"{CACHES['default']['KEY_PREFIX']}.{release.sum_of_pages(BASE_DIR)}",
    }
else:  # to write a page into a table would take longer than another worker needs to make it
    CACHES["shared answers"] = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
PAGE_TTL_SECONDS = env("PAGE_TTL_SECONDS")

# --- Who is logged in ------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "start"
SESSION_ENGINE = "accounts.sessionstore"
SESSION_COOKIE_AGE = env("SESSION_IDLE_MINUTES") * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.KeysBackend",  # customers
    "django.contrib.auth.backends.ModelBackend",  # operators
]

# Failures are counted for an address with a key or a user name; OUTSCALE locks a key after four.
AXES_FAILURE_LIMIT = 3
AXES_COOLOFF_TIME = timedelta(minutes=1)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_CALLABLE = "accounts.attempts.counted_name"
AXES_LOCKOUT_CALLABLE = "accounts.attempts.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "access_key", "secret_key", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_CLIENT_IP_CALLABLE = "accounts.attempts.address_of"
PROXY_COUNT = env("PROXY_COUNT")  # trusted proxies in front, each of which appends to X-Forwarded-For

# --- Messages --------------------------------------------------------------------------------------------
globals().update(env.email_url("EMAIL_URL", default="consolemail://" if DEBUG else "smtp://localhost:25"))
EMAIL_TIMEOUT = 10  # seconds, for each step of sending a mail
PORTAL_HOST = next((host for host in ALLOWED_HOSTS if host != "*"), "localhost").removeprefix(".")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("DEFAULT_FROM_EMAIL", default=f"osc-finops@{PORTAL_HOST}")
# The base of links in messages, which are written while nobody asks for a page.
PORTAL_URL = env("PORTAL_URL", default=f"https://{PORTAL_HOST}" if HTTPS else "http://127.0.0.1:8000")
# Who is mailed what nobody foresaw.
ADMINS = [(address, address) for address in env("ADMINS")]
# Where webhooks may lead although it is no public address: exact host:port.
WEBHOOK_ALLOWED_HOSTS = env("WEBHOOK_ALLOWED_HOSTS")

# --- Browser security ------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # probes come from inside, over plain HTTP
SECURE_HSTS_SECONDS = env("HSTS_SECONDS") if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS and env("HSTS_SUBDOMAINS")
SECURE_HSTS_PRELOAD = HTTPS and env("HSTS_PRELOAD")
# Both bind other names than the portal's own: the owner of the domain chooses, and no choice is a warning.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "finops_site.errors.csrf_failure"
# No page has a script or a style of its own, so there is nothing that a nonce would have to let through.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # the marks of form fields, in the style sheet
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# What a script that got into a page could otherwise ask the browser for. The portal uses none of it.
PERMISSIONS_POLICY = {
    feature: []
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "hid",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "publickey-credentials-get",
        "serial",
        "usb",
        "xr-spatial-tracking",
    )
}

# --- How much a request may bring ------------------------------------------------------------------------
# finops_site.bodysize refuses a larger body before it is read, and names the views that take more.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 1

# --- Languages, numbers, days ----------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
USE_TZ = True
TIME_ZONE = "UTC"  # the cloud bills UTC days

# --- Static files ----------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static_collected"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Logs and metrics ------------------------------------------------------------------------------------
LOG_FORMAT = env("LOG_FORMAT", default="line" if DEBUG or DEMO else "json")  # a formatter of those below
LOG_FILE = env("LOG_FILE")
METRICS_TOKEN = env("METRICS_TOKEN")  # without one there are no metrics
PROMETHEUS_LATENCY_BUCKETS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, float("inf"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "finops_site.logs.RedactingFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        },
        "json": {"()": "finops_site.logs.JsonFormatter"},
    },
    "filters": {
        "in_production": {"()": "django.utils.log.RequireDebugFalse"},
        "unexpected": {"()": "finops_site.logs.UnexpectedOnly"},
    },
    "handlers": {
        # Of all processes: each line is appended as a whole, and a file that was moved away is opened anew.
        "written": {
            "class": "logging.handlers.WatchedFileHandler",
            "filename": LOG_FILE,
            "encoding": "utf-8",
            "formatter": LOG_FORMAT,
        }
        if LOG_FILE
        else {"class": "logging.StreamHandler", "formatter": LOG_FORMAT},
        "admins": {
            "class": "django.utils.log.AdminEmailHandler",
            "level": "ERROR",
            "filters": ["in_production", "unexpected"],
            "formatter": "line",
        },
    },
    "root": {"handlers": ["written"], "level": env("LOG_LEVEL")},
    "loggers": {
        "django": {"handlers": ["admins"]},  # instead of Django's own console, which writes a line twice
        "django.db.backends": {"level": "INFO"},  # its queries hold the keys of sessions
        "django.template": {"level": "INFO"},  # its misses hold all that a page is made of
        "botocore": {"level": "INFO"},  # its requests hold access keys and signatures
        "axes.apps": {"level": "WARNING"},  # it says that it begins: cron would mail that for every command
        "gunicorn.error": {"handlers": [], "propagate": True},  # the server's own lines go the same way
    },
}
DEFAULT_EXCEPTION_REPORTER = "finops_site.logs.PrivateReporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "finops_site.logs.PrivateReporterFilter"
