"""A shopper: preferences, a draft, a cart that fills and empties, orders, and coming back later.

Use it with Locust alone (`locust -f scenarios/shopper.py,scenarios/profiles/steady.py`) or in a
drill. Every call is recorded, and every value carries the id of the write that made it.
"""

from __future__ import annotations

from locust import task

from statedrill.load import StatefulUser

THEMES = ("light", "dark", "system")
SKUS = ("tea", "mug", "lamp", "chair", "stamp", "rope", "kite", "soap")


class Shopper(StatefulUser):
    """Reads before it writes, and often sees at once what came of it, as after a redirect."""

    @task(3)
    def choose_preferences(self) -> None:
        self.read("preferences")
        self.put(
            "preferences", {"theme": self.dice.choice(THEMES), "page": self.dice.randint(1, 9)}
        )
        if self.dice.random() < 0.7:
            self.read("preferences", at_once=True)

    @task(3)
    def write_a_draft(self) -> None:
        self.put("draft", {"text": f"Dear friends, part {self.dice.randint(1, 999)}"})
        if self.dice.random() < 0.6:
            self.read("draft", at_once=True)

    @task(6)
    def fill_the_cart(self) -> None:
        for _ in range(self.dice.randint(1, 2)):
            self.add("cart", self.dice.choice(SKUS), quantity=self.dice.randint(1, 3))
        cart = self.read("cart", at_once=True)
        if cart and len(cart["items"]) > 3:
            self.remove("cart", self.dice.choice(cart["items"])["id"])
            self.read("cart")

    @task(2)
    def order_what_is_in_the_cart(self) -> None:
        cart = self.read("cart")
        if not cart or not cart["items"]:
            return
        items = [{"sku": each["sku"], "quantity": each["quantity"]} for each in cart["items"]]
        # The same idempotency key with every attempt: one order, however often it is sent.
        if self.order(items, attempts=3) and self.dice.random() < 0.8:
            self.clear("cart")
        self.read("orders", at_once=True)

    @task(1)
    def come_back_later(self) -> None:
        self.come_back()
        self.read("cart")
