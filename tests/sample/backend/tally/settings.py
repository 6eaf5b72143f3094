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

ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
INSTALLED_APPS = ["corsheaders", "points"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ROOT_URLCONF = "tally.urls"
WSGI_APPLICATION = "tally.wsgi.application"

# Every checkout's page has a port of its own, so in development any local one may read the API.
CORS_ALLOWED_ORIGIN_REGEXES = [r"^http://(localhost|127\.0\.0\.1):\d+$"] if DEBUG else []

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TIME_ZONE = "UTC"
USE_TZ = True
