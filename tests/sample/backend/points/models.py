"""What Tally counts."""

from django.db import models


class Point(models.Model):
    """Points given to one player at one moment."""

    player = models.CharField(max_length=80)
    points = models.IntegerField()
    note = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.player}: {self.points}"
