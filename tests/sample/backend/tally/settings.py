"""Settings of the Tally API, with this checkout's own values read from ``backend/.env``."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from dotenv import dotenv_values

BASE_DIR = Path(__file__).resolve().parent.parent

# Read without touching os.environ, so that runserver's reload sees an edited file.
_local = dotenv_values(BASE_DIR / ".env")

SECRET_KEY = _local.get("SECRET_KEY") or ""
if not SECRET_KEY:
    raise ImproperlyConfigured(f"SECRET_KEY is missing from {BASE_DIR / '.env'}")
DEBUG = (_local.get("DEBUG") or "").lower() in {"1", "on", "true", "yes"}

# Each checkout may have a host name of its own, like feature-auth.localhost, so that their logins stay apart.
ALLOWED_HOSTS = ["localhost", ".localhost", "127.0.0.1", "[::1]"]
INSTALLED_APPS = [
    "corsheaders",
    "points",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "tally.urls"
WSGI_APPLICATION = "tally.wsgi.application"

# Every checkout's page has a port of its own, so in development any local one may read the API.
CORS_ALLOWED_ORIGIN_REGEXES = [r"^http://(([\w-]+\.)?localhost|127\.0\.0\.1):\d+$"] if DEBUG else []

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "static/"
TIME_ZONE = "UTC"
USE_TZ = True
