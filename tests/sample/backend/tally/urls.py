"""Addresses of the Tally API."""

from django.contrib import admin
from django.urls import path

from points.views import points

urlpatterns = [path("admin/", admin.site.urls), path("api/points/", points, name="points")]
