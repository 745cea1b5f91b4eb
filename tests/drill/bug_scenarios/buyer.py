"""A buyer: places orders, one after the other, and looks at them now and then."""

from __future__ import annotations

from locust import task

from statedrill.load import StatefulUser


class Buyer(StatefulUser):
    @task(3)
    def order_tea(self) -> None:
        self.order([{"sku": "tea", "quantity": 1}], attempts=3)

    @task(1)
    def look_at_orders(self) -> None:
        self.read("orders")
