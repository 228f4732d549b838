"""All settings, read from the environment. docs/settings.md is the table of them."""

from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

from supportdesk import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("SUPPORTDESK_VAR", str(BASE_DIR / "var")))
VAR_DIR.mkdir(parents=True, exist_ok=True)

PRODUCTION = env.flag("SUPPORTDESK_PRODUCTION", False)
DEMO = env.flag("SUPPORTDESK_DEMO", not PRODUCTION)
DEBUG = env.flag("SUPPORTDESK_DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY", None if PRODUCTION else "embedded-default-not-for-production-0123456789abcdef")
SECRET_KEY_FALLBACKS = env.names("SECRET_KEY_FALLBACKS")
# Keys that seal connector tokens in the database, newest first: id:base64, 32 bytes each.
SEALING_KEYS = env.names("SEALING_KEYS", "" if PRODUCTION else "demo:c3VwcG9ydGRlc2stZGVtby1zZWFsaW5nLWtleS0wMDE=")
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1],testserver")
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS")
if PRODUCTION and (DEBUG or "*" in ALLOWED_HOSTS or not ALLOWED_HOSTS or not SEALING_KEYS):
    raise ImproperlyConfigured(
        "In production set ALLOWED_HOSTS to the exact host names, SEALING_KEYS to at least one key, and leave SUPPORTDESK_DEBUG off."
    )

INSTALLED_APPS = [
    "daphne",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.simple_history",
    "supportdesk.core.admin_apps.WorkspaceAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "guardian",
    "simple_history",
    "supportdesk.core",
    "supportdesk.accounts",
    "tickets",
    "policies",
    "agents.knowledge",
    "agents.actions",
    "agents.releases",
    "agents.runtime",
    "supportdesk.lifecycle",
    "supportdesk.console",
    "supportdesk.chat",
    "supportdesk.api",
    *(["supportdesk.demo"] if DEMO else []),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "supportdesk.core.middleware.BrowserRules",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "supportdesk.core.middleware.CustomerLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "supportdesk.core.middleware.MembershipMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "supportdesk.core.same_page.SamePageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "supportdesk.accounts.middleware.SignInRulesMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "supportdesk.urls"
ASGI_APPLICATION = "supportdesk.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "csp.context_processors.nonce",
            ],
            "builtins": ["supportdesk.core.templatetags.same_page"],
        },
    },
]

# The app role works behind the tenant walls; the system role stamps events, claims jobs and checks invariants.
DATABASE_URL = env.text("DATABASE_URL", f"sqlite:///{VAR_DIR / 'supportdesk.sqlite3'}")
APP_ROLE = env.text("DATABASE_APP_ROLE", "supportdesk_app")
SYSTEM_ROLE = env.text("DATABASE_SYSTEM_ROLE", "supportdesk_system")
ON_POSTGRES = not DATABASE_URL.startswith("sqlite")
AS_OWNER = env.flag("DATABASE_AS_OWNER", False)
DATABASES = {"default": env.database(DATABASE_URL, role="" if AS_OWNER else APP_ROLE)}
if ON_POSTGRES:
    DATABASES["system"] = env.database(env.text("DATABASE_SYSTEM_URL", DATABASE_URL), role="" if AS_OWNER else SYSTEM_ROLE)
DATABASE_ROUTERS = ["supportdesk.core.database.OneSchema"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "console:sign_in"
LOGIN_REDIRECT_URL = "console:queue"
LOGOUT_REDIRECT_URL = "console:sign_in"
AXES_FAILURE_LIMIT = 8
# The login is an email, but sign-in forms send it as "username": without this, failures are counted under no name.
AXES_USERNAME_FORM_FIELD = "username"
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
PROXY_COUNT = env.number("PROXY_COUNT", 0)
AXES_CLIENT_IP_CALLABLE = "supportdesk.core.clients.client_network"

# Sign-in: only what the console draws is reachable; nobody signs up, people come by invitation. Trying passwords is counted by axes.
ACCOUNT_ADAPTER = "supportdesk.accounts.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "supportdesk.accounts.provider.SocialAdapter"
MFA_ADAPTER = "supportdesk.accounts.adapters.SecondFactorAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "SupportDesk"
# The codes before and after count too: telephones are late, and so are people.
MFA_TOTP_TOLERANCE = 1

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español"), ("fr", "Français"), ("ar", "العربية")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["supportdesk.formats"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(VAR_DIR / "static")))
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = VAR_DIR / "files"
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# Who was erased, as keyed hashes: kept apart from the database, so that a restored backup can be asked for them.
ERASED_LIST = Path(env.text("ERASED_LIST", str(VAR_DIR / "erased.jsonl")))
ATTACHMENT_MAX_BYTES = env.number("ATTACHMENT_MAX_BYTES", 10 * 1024 * 1024)

REDIS_URL = env.text("REDIS_URL", "")
# Every web process follows the event log itself and tells its own pages, so no message between processes can be lost
# (docs/decisions/0012): the layer never leaves the process.
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
# Counts of visits and of requests; disposable like everything in Redis.
CACHES = {
    "default": (
        {
            "BACKEND": "supportdesk.core.cache.DisposableRedis",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "supportdesk",
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}
# Celery carries job ids; see supportdesk/celery.py and the relay.
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_DEFAULT_QUEUE = "supportdesk.jobs"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# Acknowledged when done, fetched one at a time: a worker that dies holds back nothing but what it was doing.
CELERY_TASK_ACKS_LATE = CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 2}
# How many ids the relay keeps waiting in the broker, and how often it looks for more.
RELAY_WINDOW = env.number("RELAY_WINDOW", 64)
RELAY_SECONDS = env.number("RELAY_MILLISECONDS", 100) / 1000

# Mail: the embedded default writes files that the demo's mailbox page shows.
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", False)
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "SupportDesk <desk@localhost>")

# The agent. The chain is tried left to right; builtin needs no key and no network.
MODEL_CHAIN = env.names("MODEL_CHAIN", "builtin")
EMBEDDER = env.text("EMBEDDER", "builtin")
CHROMA_PATH = VAR_DIR / "chroma"
CHROMA_URL = env.text("CHROMA_URL", "")
# Hosts on private addresses the outbound door may reach, as host:port.
OUTBOUND_PRIVATE_HOSTS = env.names("OUTBOUND_PRIVATE_HOSTS", "127.0.0.1:8970,localhost:8970" if DEMO else "")
DEMO_SHOP_URL = env.text("DEMO_SHOP_URL", "http://127.0.0.1:8970")
DEMO_SHOP_TOKEN = env.text("DEMO_SHOP_TOKEN", "demo-shop-token")

WORKER_THREADS = env.number("WORKER_THREADS", 4)
# How long a teammate has to decide before the ticket goes to a person instead.
APPROVAL_MINUTES = env.number("APPROVAL_MINUTES", 60)
JOB_LEASE_SECONDS = env.number("JOB_LEASE_SECONDS", 15)
TAIL_SECONDS = env.number("TAIL_MILLISECONDS", 150) / 1000

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
# Over TLS the names say that no other host of the domain may have set them, and browsers hold to it.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = ("__Host-session", "__Host-csrf") if PRODUCTION else ("sessionid", "csrftoken")
# Forms and htmx carry the token in the page; no script reads the cookie.
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = PRODUCTION and env.flag("SECURE_SSL_REDIRECT", True)
SECURE_HSTS_SECONDS = 31536000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXY_COUNT else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY: dict[str, dict[str, list[Any]]] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    },
}

# Django admin (unfold) runs Alpine, which evaluates expressions, and writes its colours into the page; scripts in the page still do
# not run. BrowserRules gives its pages this policy.
ADMIN_CONTENT_SECURITY_POLICY: dict[str, list[Any]] = {
    **CONTENT_SECURITY_POLICY["DIRECTIVES"],
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
}
# What no page of ours asks a browser for.
DEVICES = ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "microphone", "midi", "payment", "usb")
PERMISSIONS_POLICY = ", ".join(f"{name}=()" for name in DEVICES)

# Requests of one API key in a minute.
API_RATE = env.number("API_RATE", 600)
# A browser's session opens nothing here: only a key does, and a view that names no permission refuses even that.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["supportdesk.api.authentication.BearerKey"],
    "DEFAULT_PERMISSION_CLASSES": ["supportdesk.api.permissions.ByScope"],
    "DEFAULT_THROTTLE_CLASSES": ["supportdesk.api.throttles.PerKey"],
    "DEFAULT_PARSER_CLASSES": ["supportdesk.api.parsers.StrictJSON"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "supportdesk.api.schema.Schema",
    "EXCEPTION_HANDLER": "supportdesk.api.problems.answer",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "SupportDesk API",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "TicketStatus": "tickets.models.Status",
        "ApprovalStatus": "supportdesk.api.shapes.approvals.STATUSES",
        "ApprovalFilter": "supportdesk.api.shapes.approvals.FILTERS",
        "CallState": "agents.actions.models.State",
        "RunState": "supportdesk.api.shapes.traces.RUN_STATES",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "displayRequestDuration": True},
}
SIMPLE_HISTORY_REVERT_DISABLED = False
UNFOLD = {
    "SITE_TITLE": "SupportDesk",
    "SITE_HEADER": "SupportDesk",
    "SITE_SYMBOL": "landscape",
    "SITE_URL": "/console/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: f"{STATIC_URL}img/peak.svg"}],
    "SHOW_HISTORY": True,
    # The product's one accent (static/css/tokens.css), from its lightest to its darkest.
    "COLORS": {
        "primary": {
            "50": "oklch(97% .012 258)",
            "100": "oklch(94% .022 258)",
            "200": "oklch(88% .045 258)",
            "300": "oklch(80% .075 256)",
            "400": "oklch(70% .105 256)",
            "500": "oklch(58% .13 257)",
            "600": "oklch(47% .135 258)",
            "700": "oklch(41% .13 258)",
            "800": "oklch(35% .11 258)",
            "900": "oklch(29% .09 260)",
            "950": "oklch(22% .06 262)",
        }
    },
}

DEFAULT_EXCEPTION_REPORTER = "supportdesk.core.reports.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "supportdesk.core.reports.Discreet"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "supportdesk.core.logs.Redact"}},
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["redact"]}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "WARNING")},
    "loggers": {
        "supportdesk": {"level": env.text("LOG_LEVEL", "INFO")},
        "axes": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "ERROR"},
    },
}
