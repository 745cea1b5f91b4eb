"""Keys of a Valkey whose time to live is cut short, as by a wrong setting.

Knows Valkey's commands; knows no node and no application.
"""

from __future__ import annotations

from redis import Redis


def shorten_lives(session: Redis, match: str, life_s: int) -> tuple[int, int]:
    """Have every key that matches live for `life_s` at most, until something renews it.

    Returns how many keys live shorter than before, and how many of those that match do not live
    so short: each is looked at in the transaction that shortened it.

    Raises:
        RedisError: it does not answer.
    """
    shortened = left = 0
    for key in list(session.scan_iter(match, count=1000)):
        with session.pipeline(transaction=True) as transaction:
            transaction.expire(key, life_s, lt=True)
            transaction.pttl(key)
            changed, life_ms = transaction.execute()
        shortened += int(changed)
        left += life_ms > life_s * 1000 or life_ms == -1
    return shortened, left
