"""`Profile`: what profile files import. A Locust load shape made of one pure function.

In the closed model the function gives a share of `-u` users, in the open model one of the arrival
rate (then `-u`, the pool, stays). Knows Locust's shapes; the functions are in `shapes`.
"""

from __future__ import annotations

from locust import LoadTestShape

from statedrill.load.profiles import shapes
from statedrill.load.settings import shape_length_s


class Profile(LoadTestShape):
    """A load that changes with time, up to what `-u` or `--arrival-rate` says, for `-t` long."""

    abstract = True
    use_common_options = True

    def share(self, elapsed_s: float, run_time_s: float) -> float:
        """The share of the full load at this time; override it with a shape."""
        return shapes.steady(elapsed_s, run_time_s)

    def tick(self) -> tuple[int, float] | None:
        """Locust asks once a second: (users, users started per second), or None at the end."""
        assert self.runner is not None
        options = self.runner.environment.parsed_options
        assert options is not None
        elapsed_s, run_time_s = self.elapsed_s(), shape_length_s(options.run_time)
        if options.run_time and elapsed_s >= run_time_s:
            return None
        users, spawn_rate = options.num_users or 1, options.spawn_rate or 1.0
        if not options.arrival_rate:
            users = self.users_at(elapsed_s, run_time_s, users)
        return users, spawn_rate

    def users_at(self, elapsed_s: float, run_time_s: float, full: int) -> int:
        """The users that the profile plans at this time of the closed model, of `full` ones."""
        return max(1, round(full * self.share(elapsed_s, run_time_s)))

    def elapsed_s(self) -> float:
        """Seconds since the test began."""
        return float(self.get_run_time())  # type: ignore[no-untyped-call]
