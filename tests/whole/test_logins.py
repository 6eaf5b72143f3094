"""A host name for each session: two logins of Django's admin side by side, in a real browser."""

import os
import subprocess
from pathlib import Path

import pytest

from develop import demo, sample
from testing import browsers, missing, port_slot
from testing.project import Project, eventually

_SETTINGS = """from pathlib import Path
SECRET_KEY, DEBUG, ROOT_URLCONF, USE_TZ = "x", True, "urls", True
ALLOWED_HOSTS = @@
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).parent / "db.sqlite3"}}
INSTALLED_APPS = ["django.contrib." + name for name in ("admin", "auth", "contenttypes", "sessions", "messages")]
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                           "django.contrib.messages.context_processors.messages"]}}]
"""
_URLS = """from django.contrib import admin
from django.urls import path
urlpatterns = [path("", admin.site.urls)]
"""
_MANAGE = """import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
_LOG_IN = """(() => { const form = document.querySelector('#login-form');
form.username.value = 'me'; form.password.value = 'secret'; form.submit(); return true; })()"""


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    """Django is installed before the sandbox hides the person's settings of pip."""
    sample.installed(demo.CACHE, print)


@pytest.fixture
def page(project: Project, sandbox: Path) -> Project:
    """Return a project that is Django's admin, without a database."""
    tally = sample.build(sandbox / "dev" / "sample", demo.CACHE, print)
    python = (tally / ".venv").resolve() / "bin" / "python"
    _write_settings(project, "[]")
    for name, text in (("urls.py", _URLS), ("manage.py", _MANAGE)):
        (project.main / name).write_text(text)
    run = f"{python} manage.py runserver --noreload {{web_port}}"
    project.git("add", "*.py")
    project.configure(
        f"session: {{ports: {{web_port: {6000 + port_slot.own()}}}, copy: [db.sqlite3], activate: '',"
        " host: '{slug}.localhost',"
        f" variables: {{PAGE: 'http://{{host}}:{{web_port}}'}}, windows: [{{name: web, run: '{run}'}}]}}\n"
    )
    return project


@pytest.fixture
def admin(page: Project) -> Project:
    """Return the same with a database, and a user in it."""
    python = page.top / "sample" / ".venv" / "bin" / "python"
    user = {**os.environ, "DJANGO_SUPERUSER_PASSWORD": "secret"}
    for words in (["migrate"], ["createsuperuser", "--noinput", "--username", "me", "--email", "me@example.com"]):
        subprocess.run([python, "manage.py", *words], cwd=page.main, env=user, check=True)
    return page


def _write_settings(project: Project, hosts: str) -> None:
    (project.main / "settings.py").write_text(_SETTINGS.replace("@@", hosts))


@pytest.mark.slow
def test_two_logins_side_by_side(admin: Project, sandbox: Path) -> None:
    missing.require("chromium")
    for name in ("Feature_A", "b"):
        admin.inv("session.add", name, "--wait")
    pages = {name: admin.inv("session.env", name, "--json").json["PAGE"] for name in ("Feature_A", "b")}
    assert pages["Feature_A"].startswith("http://feature-a.localhost:")
    assert pages["b"] in admin.inv("session.show", "b").out

    with browsers.open_browser(sandbox / "profile") as browser:
        tabs = {name: browser.open(f"{page}/login/?next=/") for name, page in pages.items()}
        for tab in tabs.values():
            eventually(lambda tab=tab: browser.ask(tab, "!!document.querySelector('#login-form')"))  # type: ignore[misc]
            browser.ask(tab, _LOG_IN)
            eventually(lambda tab=tab: browser.shows(tab, "Site administration"))  # type: ignore[misc]
        for name, tab in tabs.items():  # the second login did not end the first
            browser.send("Page.navigate", tab, url=f"{pages[name]}/auth/user/")
            eventually(lambda tab=tab: browser.shows(tab, "me@example.com"))  # type: ignore[misc]
    assert "refuses" not in admin.inv("session.doctor", code=None).out


@pytest.mark.slow
def test_doctor_says_which_server_refuses_the_name(page: Project) -> None:
    _write_settings(page, "['localhost']")
    page.git("commit", "--quiet", "--all", "-m", "one host")
    page.inv("session.add", "b", "--wait")

    said = page.inv("session.doctor", code=1).out

    assert "web refuses http://b.localhost:" in said
    assert "add '.localhost' to ALLOWED_HOSTS" in said


@pytest.mark.slow
def test_a_host_that_is_none_is_refused(project: Project) -> None:
    project.configure("session: {windows: [], host: 'a b.localhost'}\n")
    assert "session.host: 'a b.localhost' is not a host name." in project.inv("session.add", "x", code=1).err
