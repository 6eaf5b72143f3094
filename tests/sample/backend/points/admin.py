"""Points in Django's admin."""

from django.contrib import admin

from points.models import Point

admin.site.register(Point)
