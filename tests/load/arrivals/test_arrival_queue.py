from __future__ import annotations

import gevent

from statedrill.load.arrivals.arrival_queue import ArrivalQueue


def test_a_free_user_takes_what_is_due_and_the_queue_is_counted() -> None:
    queue = ArrivalQueue(bound=2)
    free = queue.next_session()
    for due in (1, 2, 3, 4):
        queue.arrive(due)
    assert free.get(block=False) == 1
    queue.completed(2.0)
    queue.completed(3.0)
    assert queue.take_figures() == {
        "queued": 2, "dropped": 1, "arrived": 4, "waited": 3, "started": 1, "ended": 2,
        "session_s": 2.5,
    }  # fmt: skip
    assert [queue.next_session().get(block=False) for _ in range(2)] == [2, 3]
    assert queue.take_figures() == {
        "queued": 2, "dropped": 0, "arrived": 0, "waited": 0, "started": 2, "ended": 0,
        "session_s": None,
    }  # fmt: skip
    assert queue.take_figures()["queued"] == 0


def test_a_user_that_leaves_gets_no_session() -> None:
    queue = ArrivalQueue()
    leaving, staying = queue.next_session(), queue.next_session()
    user = gevent.spawn(leaving.get)
    gevent.sleep(0)
    queue.cancel(leaving)
    queue.arrive(9)
    assert user.get(timeout=5) is None
    assert staying.get(block=False) == 9
    assert queue.take_figures()["started"] == 1


def test_users_are_served_in_the_order_in_which_they_became_free() -> None:
    queue = ArrivalQueue()
    pending = [queue.next_session() for _ in range(3)]
    for due in (1, 2, 3):
        queue.arrive(due)
    assert [each.get(block=False) for each in pending] == [1, 2, 3]
