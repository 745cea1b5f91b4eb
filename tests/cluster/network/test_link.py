"""Every way in which a link can break, against an echo server, in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvloop

from statedrill.cluster.network.connection import HELD_BYTES
from statedrill.cluster.network.link import Link

DEADLINE_S = 10.0
SILENT_S = 0.15
"""Long enough for an echo that is not lost, many times over."""

pytestmark = pytest.mark.cluster  # no process, but sockets and waiting


class Client:
    """One connection through the link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def echo(self, data: bytes) -> bytes:
        self.writer.write(data)
        return await asyncio.wait_for(self.reader.readexactly(len(data)), DEADLINE_S)

    async def hears_nothing(self) -> bool:
        try:
            heard = await asyncio.wait_for(self.reader.read(1), SILENT_S)
        except TimeoutError:
            return True
        raise AssertionError(f"heard {heard!r}")

    async def is_reset(self) -> bool:
        try:
            await asyncio.wait_for(self.reader.read(), DEADLINE_S)
        except ConnectionResetError:
            return True
        return False

    def die(self) -> None:
        """As a killed program with unread bytes: the peer sees a reset."""
        known = self.writer.get_extra_info("socket")
        known.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Service:
    """An echo server that remembers what it received and how its connections ended."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.connected: list[asyncio.StreamWriter] = []
        self.resets = self.ends = 0
        self.reads = asyncio.Event()
        self.reads.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected.append(writer)
        try:
            while data := await reader.read(65536):
                await self.reads.wait()
                self.received += data
                writer.write(data)
                await writer.drain()
            self.ends += 1
        except ConnectionError:
            self.resets += 1
        finally:
            writer.close()


class World:
    """An echo server, a link to it, and clients."""

    def __init__(self, service: Service, link: Link) -> None:
        self.service, self.link = service, link
        self.clients: list[Client] = []

    async def connect(self) -> Client:
        opened = await asyncio.open_connection(*self.link.listen, limit=4 * HELD_BYTES)
        self.clients.append(Client(*opened))
        return self.clients[-1]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.005)


def free_address() -> tuple[str, int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host, port = probe.getsockname()
    return host, port


@contextlib.asynccontextmanager
async def world() -> AsyncIterator[World]:
    service = Service()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    target: tuple[str, int] = server.sockets[0].getsockname()
    link = Link("b/echo", free_address(), target)
    await link.open()
    made = World(service, link)
    yield made
    service.reads.set()
    await link.refuse()
    server.close()
    for writer in (*service.connected, *(client.writer for client in made.clients)):
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


Story = Callable[[World], Awaitable[None]]


@pytest.fixture(params=[uvloop.run, asyncio.run], ids=["uvloop", "asyncio"])
def play(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    """Plays a story in a world of its own."""

    def play(story: Story) -> None:
        async def whole() -> None:
            async with world() as made:
                await story(made)

        request.param(whole())

    return play


Play = Callable[[Story], None]


def test_bytes_pass_in_both_directions(play: Play) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        assert await client.echo(b"hello") == b"hello"
        described = world.link.describe()
        assert {"connections": 1, "up_bytes": 5, "down_bytes": 5, "up_lost_bytes": 0}.items() <= (
            described.items()
        )

    play(story)


def test_what_comes_before_the_service_is_connected_is_kept(play: Play) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        client.writer.write(b"early ")  # the link has not even seen the connection
        client.writer.write(b"bird")
        assert await asyncio.wait_for(client.reader.readexactly(10), DEADLINE_S) == b"early bird"

    play(story)


def test_a_service_that_is_not_there_resets_the_client(play: Play) -> None:
    async def story(world: World) -> None:
        world.link.target = free_address()
        assert await (await world.connect()).is_reset()
        assert not world.link.connections

    play(story)


def test_a_black_hole_loses_both_directions_of_open_connections(play: Play) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.echo(b"before")
        world.link.cut("up", "down")
        client.writer.write(b"lost")
        world.service.connected[0].write(b"lost as well")
        assert await client.hears_nothing()
        assert world.service.received == b"before"
        assert world.link.rules["up"].lost == 4
        await until(lambda: world.link.rules["down"].lost == 12)

    play(story)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_one_direction_can_be_lost_alone(play: Play, direction: Any) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.echo(b"before")
        world.link.cut(direction)
        client.writer.write(b" asked")
        world.service.connected[0].write(b" told")
        if direction == "up":
            assert await asyncio.wait_for(client.reader.readexactly(5), DEADLINE_S) == b" told"
            assert await client.hears_nothing()
            assert world.service.received == b"before"
        else:
            await until(lambda: bytes(world.service.received) == b"before asked")
            assert await client.hears_nothing()

    play(story)


@pytest.mark.parametrize("directions", [("up", "down"), ("up",), ("down",)])
def test_a_new_connection_into_a_black_hole_is_silent_and_reset_when_it_closes(
    play: Play, directions: Any
) -> None:
    async def story(world: World) -> None:
        world.link.cut(*directions)
        client = await world.connect()
        client.writer.write(b"is anybody there?")
        assert await client.hears_nothing()
        assert not world.service.connected
        await world.link.restore()
        assert await client.is_reset()
        assert await (await world.connect()).echo(b"back") == b"back"

    play(story)


def test_after_a_black_hole_streams_with_holes_are_reset_and_the_others_go_on(play: Play) -> None:
    async def story(world: World) -> None:
        talker, sleeper = await world.connect(), await world.connect()
        await talker.echo(b"x")
        await sleeper.echo(b"x")
        world.link.cut("up", "down")
        talker.writer.write(b"lost")
        await until(lambda: world.link.rules["up"].lost == 4)
        await world.link.restore()
        assert await talker.is_reset()
        assert await sleeper.echo(b"still here") == b"still here"
        await until(lambda: world.service.resets == 1)

    play(story)


def test_the_death_of_a_client_is_not_seen_through_a_black_hole(play: Play) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.echo(b"x")
        world.link.cut("up")
        client.die()
        await asyncio.sleep(SILENT_S)
        assert (world.service.resets, world.service.ends) == (0, 0)
        await world.link.restore()
        await until(lambda: world.service.resets == 1)

    play(story)


def test_refused_connections_are_refused_by_the_kernel_and_open_ones_are_reset(play: Play) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.echo(b"x")
        await world.link.refuse()
        assert await client.is_reset()
        with pytest.raises(ConnectionRefusedError):
            await world.connect()
        await world.link.restore()
        assert await (await world.connect()).echo(b"back") == b"back"

    play(story)


def test_a_delay_holds_each_direction(play: Play) -> None:
    async def story(world: World) -> None:
        client, loop = await world.connect(), asyncio.get_running_loop()
        world.link.delay(0.05)
        begin = loop.time()
        assert await client.echo(b"slow") == b"slow"
        assert loop.time() - begin >= 2 * 0.05 - 0.002
        world.link.delay(0.0)
        assert await client.echo(b"quick") == b"quick"

    play(story)


def test_nothing_is_overtaken_while_delays_change(play: Play) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        sent = b"".join(b"%06d" % number for number in range(600))
        for number in range(600):
            world.link.delay((number * 7919 % 23) / 1000, jitter_s=(number % 3) / 500)
            client.writer.write(b"%06d" % number)
            await asyncio.sleep(0.0005 if number % 2 else 0)
        world.link.delay(0.0)
        client.writer.write(b"the end")
        heard = await asyncio.wait_for(client.reader.readexactly(len(sent) + 7), DEADLINE_S)
        assert heard == sent + b"the end"

    play(story)


@pytest.mark.parametrize("delay_s", [0.0, 0.02])
def test_a_limit_resets_a_connection_after_exactly_so_many_bytes(
    play: Play, delay_s: float
) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.echo(b"free")
        world.link.delay(delay_s)
        world.link.limit("up", 6)
        client.writer.write(b"1234")
        client.writer.write(b"5678")
        assert await client.is_reset()
        await until(lambda: world.service.resets == 1)
        assert world.service.received == b"free123456"

    play(story)


def test_a_limit_on_the_way_back_holds_for_new_connections_until_it_is_restored(
    play: Play,
) -> None:
    async def story(world: World) -> None:
        world.link.limit("down", 3)
        client = await world.connect()
        client.writer.write(b"done, and the answer is lost")
        assert await client.is_reset()
        assert world.service.received == b"done, and the answer is lost"
        await world.link.restore()
        assert await (await world.connect()).echo(b"whole") == b"whole"

    play(story)


def test_a_half_closed_connection_is_forwarded_as_such_behind_its_bytes(play: Play) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        world.link.delay(0.03)
        client.writer.write(b"last words")
        client.writer.write_eof()
        heard = await asyncio.wait_for(client.reader.read(), DEADLINE_S)
        assert heard == b"last words"
        assert (world.service.ends, world.service.resets) == (1, 0)
        await until(lambda: not world.link.connections)

    play(story)


def test_what_a_reset_source_had_on_its_way_is_dropped(play: Play) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.echo(b"kept")
        world.link.delay(0.2)
        client.writer.write(b" dropped")
        await until(lambda: any(c.directions["up"]._queue for c in world.link.connections))
        client.die()
        await until(lambda: world.service.resets == 1)
        assert world.service.received == b"kept"

    play(story)


def test_a_reset_wire_drops_what_is_on_it(play: Play) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.echo(b"kept")
        world.link.delay(0.2)
        client.writer.write(b" dropped")
        await until(lambda: any(c.directions["up"]._queue for c in world.link.connections))
        world.link.reset()
        assert await client.is_reset()
        await until(lambda: world.service.resets == 1)
        assert world.service.received == b"kept"
        assert not world.link.connections

    play(story)


@pytest.mark.parametrize("delay_s", [0.0, 0.5])
def test_a_slow_reader_slows_its_writer_and_the_link_holds_little(
    play: Play, delay_s: float
) -> None:
    async def story(world: World) -> None:
        client = await world.connect()
        await client.echo(b"x")
        world.link.delay(delay_s)
        world.service.reads.clear()
        block, total = bytes(1 << 16), 64 << 20
        sent = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                while sent < total:
                    client.writer.write(block)
                    sent += len(block)
                    await client.writer.drain()
        assert sent < total, "nothing held the writer back"
        (connection,) = world.link.connections
        assert connection.directions["up"]._held <= HELD_BYTES + (1 << 18)
        world.service.reads.set()
        world.link.delay(0.0)
        reading = asyncio.create_task(client.reader.readexactly(sent))
        assert len(await asyncio.wait_for(reading, DEADLINE_S)) == sent

    play(story)


def test_many_connections_at_once_get_their_own_bytes(play: Play) -> None:
    async def story(world: World) -> None:
        world.link.delay(0.001, jitter_s=0.004)
        clients = [await world.connect() for _ in range(50)]

        async def talk(number: int, client: Client) -> None:
            for turn in range(20):
                words = b"%d/%d" % (number, turn) * (turn + 1)
                assert await client.echo(words) == words

        await asyncio.gather(*(talk(number, client) for number, client in enumerate(clients)))

    play(story)
