"""A leaver: signs out for good and keeps the cookie, as another tab of the browser or a thief does,
and from then on only looks whether it is still good."""

from __future__ import annotations

from locust import task

from statedrill.load import StatefulUser
from statedrill.load.contract import CHECK_SESSION


class Leaver(StatefulUser):
    @task
    def leave_and_keep_the_cookie(self) -> None:
        self.put("preferences", {"theme": "light"})
        cookies = self.session.client.cookies.as_dict()
        if not self.sign_out():
            return
        self.session.client.cookies.load(cookies)
        while True:  # until the user is stopped
            self.wait_turn()
            self.session.read(CHECK_SESSION)
