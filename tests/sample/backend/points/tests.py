"""The API and the seed command, against a test database."""

from io import StringIO
from typing import Any

from django.core.management import call_command
from django.test import TestCase

from points.models import Point

URL = "/api/points/"


class PointsTest(TestCase):
    def post(self, body: Any) -> int:
        return self.client.post(URL, body, content_type="application/json").status_code

    def test_an_empty_board_totals_zero(self) -> None:
        answer = self.client.get(URL).json()
        self.assertEqual((answer["total"], answer["points"]), (0, []))

    def test_a_point_added_is_counted(self) -> None:
        self.assertEqual(self.post({"player": "Ada", "points": 3}), 201)
        self.assertEqual(self.post({"player": "Grace", "points": 4}), 201)
        self.assertEqual(self.client.get(URL).json()["total"], 7)

    def test_a_body_that_is_no_point_is_refused(self) -> None:
        bad = ["{", [], {}, {"player": "", "points": 1}, {"player": "Ada", "points": True},
               {"player": "a" * 81, "points": 1}, {"player": "Ada", "points": 10**30}]
        for body in bad:
            with self.subTest(body=body):
                self.assertEqual(self.post(body), 400)
        self.assertFalse(Point.objects.exists())

    def test_any_local_page_may_read(self) -> None:
        for origin, allowed in [("http://localhost:5199", True), ("http://a-b.localhost:5199", True), ("http://example.com", False)]:
            answer = self.client.get(URL, headers={"Origin": origin})
            self.assertEqual("Access-Control-Allow-Origin" in answer.headers, allowed)

    def test_seeding_twice_changes_nothing(self) -> None:
        call_command("seed", stdout=StringIO())
        before = Point.objects.count()
        call_command("seed", stdout=StringIO())
        self.assertEqual(Point.objects.count(), before)
        self.assertTrue(self.client.login(username="demo", password="demo"))
        self.assertContains(self.client.get("/admin/points/point/"), "Margaret: 9")
