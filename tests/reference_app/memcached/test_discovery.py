from __future__ import annotations

import pytest

from reference_app.memcached.discovery import NodeAddress, parse
from statedrill.cluster.services.memcached.configuration_endpoint import Listed, answer


def test_an_answer_names_the_nodes_in_order() -> None:
    nodes = [Listed("cache.0002", "127.0.0.2", 11211), Listed("cache.0001", "127.0.0.1", 21211)]
    assert parse(answer(12, nodes)) == [
        NodeAddress("cache.0001", "127.0.0.1", 21211),
        NodeAddress("cache.0002", "127.0.0.2", 11211),
    ]


def test_the_answer_of_elasticache_is_read() -> None:
    """As its documentation shows it."""
    text = (
        b"CONFIG cluster 0 147\r\n12\n"
        b"myCluster.pc4ldq.0001.use1.cache.amazonaws.com|10.82.235.120|11211 "
        b"myCluster.pc4ldq.0002.use1.cache.amazonaws.com|10.80.249.27|11211\n\r\nEND\r\n"
    )
    assert [each.host for each in parse(text)] == ["10.82.235.120", "10.80.249.27"]


@pytest.mark.parametrize(
    "text", [b"ERROR\r\n", b"END\r\n", b"CONFIG cluster 0 2\r\n1\na|b\n\r\nEND"]
)
def test_what_names_no_node_is_refused(text: bytes) -> None:
    with pytest.raises(ConnectionError, match="no list of nodes"):
        parse(text)
