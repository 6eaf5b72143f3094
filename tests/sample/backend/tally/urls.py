"""Addresses of the Tally API."""

from django.urls import path

from points.views import points

urlpatterns = [path("api/points/", points, name="points")]
