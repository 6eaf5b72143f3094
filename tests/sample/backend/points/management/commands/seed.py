"""Give a new database something to add up."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from points.models import Point

FIRST = [
    ("Ada", 12, "opening round"),
    ("Grace", 9, "opening round"),
    ("Linus", 7, "opening round"),
    ("Ada", 5, "bonus"),
    ("Margaret", 9, "late entry"),
]


USER = "demo"  # and the password; of a database for development


class Command(BaseCommand):
    help = "Add the first points and a user, leaving alone those that are already there."

    def handle(self, *args: Any, **options: Any) -> None:
        added = 0
        for player, points, note in FIRST:
            _, new = Point.objects.get_or_create(
                player=player, note=note, defaults={"points": points}
            )
            added += new
        users = get_user_model().objects
        if not users.filter(username=USER).exists():
            users.create_superuser(USER, f"{USER}@example.invalid", USER)
        self.stdout.write(f"{added} points added, {len(FIRST) - added} already there")
