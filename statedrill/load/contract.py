"""The calls of the application's HTTP contract: one row each.

Knows methods, paths and what kind of state an object is; knows no socket and no user.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from statedrill.vocabulary import Kind, Model


@dataclass(frozen=True, eq=False)
class Call:
    """One kind of call: how it is sent, and how it is recorded.

    `path` is complete, or ends in `/` where the name of an upload or of an element follows; an
    `object` that ends in `/` is completed with the name, too. `listed` is the key of the response's
    list, `listed_id` that of the id in each of its elements, `content` the type of what is sent.
    """

    op: str
    method: str
    path: str
    kind: Kind
    object: str
    model: Model
    listed: str = ""
    listed_id: str = "id"
    content: bytes = b"application/json"
    line: bytes = field(init=False)  # the start of the request line
    enters: bool = field(init=False)  # whether it begins or ends a server session

    def __post_init__(self) -> None:
        object.__setattr__(self, "line", f"{self.method} {self.path}".encode("latin-1"))
        object.__setattr__(self, "enters", self.kind in (Kind.SIGN_IN, Kind.SIGN_OUT))


_REGISTER, _SET, _LOG = Model.REGISTER, Model.SET, Model.LOG
_READ, _PUT = Kind.READ, Kind.PUT

SIGN_IN = Call("sign-in", "POST", "/sign-in", Kind.SIGN_IN, "session", Model.SESSION)
SIGN_OUT = Call("sign-out", "POST", "/sign-out", Kind.SIGN_OUT, "session", Model.SESSION)
CHECK_SESSION = Call("check-session", "GET", "/session", _READ, "session", Model.SESSION)
RECOMMENDATIONS = Call("read-recommendations", "GET", "/recommendations", _READ, "history", _LOG)
REMOVE = Call("remove-from-cart", "DELETE", "/cart/items/", Kind.REMOVE, "cart", _SET)
CLEAR = Call("clear-cart", "DELETE", "/cart", Kind.CLEAR, "cart", _SET)
ADD = Call("add-to-cart", "POST", "/cart/items", Kind.ADD, "cart", _SET)
APPEND = Call("append-to-history", "POST", "/history", Kind.APPEND, "history", _LOG)
ORDER = Call("order", "POST", "/orders", Kind.APPEND, "orders", Model.ORDERS)
UPLOAD = Call("upload", "PUT", "/uploads/", _PUT, "upload/", _REGISTER, content=b"image/png")
DOWNLOAD = Call("download", "GET", "/uploads/", _READ, "upload/", _REGISTER)

PUTS = {
    "preferences": Call("set-preferences", "PUT", "/preferences", _PUT, "preferences", _REGISTER),
    "draft": Call("save-draft", "PUT", "/draft", _PUT, "draft", _REGISTER),
}
READS = {
    "preferences": Call("read-preferences", "GET", "/preferences", _READ, "preferences", _REGISTER),
    "draft": Call("read-draft", "GET", "/draft", _READ, "draft", _REGISTER),
    "cart": Call("read-cart", "GET", "/cart", _READ, "cart", _SET, "items"),
    "history": Call("read-history", "GET", "/history", _READ, "history", _LOG, "entries"),
    "orders": Call("read-orders", "GET", "/orders", _READ, "orders", Model.ORDERS, "orders", "wid"),
}
