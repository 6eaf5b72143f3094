"""The one resource of the Tally API."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Sum
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from points.models import Point


@csrf_exempt
@require_http_methods(["GET", "POST"])
def points(request: HttpRequest) -> JsonResponse:
    """List the points, or add one."""
    return add(request) if request.method == "POST" else listing()


def listing() -> JsonResponse:
    """Answer with every point, their total and the database they came from."""
    return JsonResponse({
        "total": Point.objects.aggregate(total=Sum("points", default=0))["total"],
        "points": list(Point.objects.values("player", "points")),
        "database": str(connection.settings_dict["NAME"]),
    })


def add(request: HttpRequest) -> JsonResponse:
    """Keep the point described by the request's JSON body."""
    try:
        point = parse(json.loads(request.body))
        point.full_clean()
    except ValueError as error:  # the body was not JSON, or not a point
        return JsonResponse({"error": str(error)}, status=400)
    except ValidationError as error:
        return JsonResponse({"error": error.message_dict}, status=400)
    point.save()
    return JsonResponse({"player": point.player, "points": point.points}, status=201)


def parse(body: Any) -> Point:
    """Return the unsaved point that *body* describes."""
    if not isinstance(body, dict):
        raise ValueError("expected a JSON object")
    player, amount, note = body.get("player"), body.get("points"), body.get("note", "")
    if not isinstance(player, str) or not isinstance(note, str):
        raise ValueError("player and note must be text")
    if type(amount) is not int:  # a bool is an int too
        raise ValueError("points must be a whole number")
    return Point(player=player.strip(), points=amount, note=note)
