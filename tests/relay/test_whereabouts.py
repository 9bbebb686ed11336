"""Names become numbers, and a STUN server tells the public address, before anything listens."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aioice import stun

from relay.config import RelayConfig
from relay.whereabouts import located
from soiree.rtc.announce import PublicAddress
from soiree.rtc.engine import EngineConfig
from soiree.rtc.mapped_address import MappedAddressError, mapped_address
from soiree.settings import SettingError

SEEN = ("198.51.100.7", 50007)


class StunServer(asyncio.DatagramProtocol):
    """Answers from the second try on, after an answer to somebody else and one that cannot be read."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked.append(addr)
        if len(self.asked) == 1:
            return
        request = stun.parse_message(data)
        for transaction in (b"another one.", request.transaction_id):
            answer = stun.Message(request.message_method, stun.Class.RESPONSE, transaction)
            answer.attributes["XOR-MAPPED-ADDRESS"] = SEEN
            self.transport.sendto(bytes(answer), addr)
            self.transport.sendto(b"garbage", addr)


@asynccontextmanager
async def stun_server() -> AsyncIterator[tuple[tuple[str, int], StunServer]]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(StunServer, ("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname"), protocol
    finally:
        transport.close()


async def test_the_address_that_a_stun_server_saw_is_announced_as_reflexive() -> None:
    async with stun_server() as (address, _):
        config = await located(RelayConfig(public_address_from=address))
    assert config.rtc.public_addresses == (PublicAddress(SEEN[0], "srflx"),)


async def test_it_is_asked_from_the_address_that_is_bound() -> None:
    async with stun_server() as (address, server):
        assert await mapped_address(address, ("127.0.0.1", 0)) == SEEN
    assert {host for host, _ in server.asked} == {"127.0.0.1"}


async def test_a_silent_stun_server_costs_only_its_answer(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("soiree.rtc.mapped_address.RETRANSMIT_S", (0.02, 0.02))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        config = await located(RelayConfig(public_address_from=silent.getsockname()))
    assert config.rtc.public_addresses == ()
    assert "does not answer" in caplog.text


async def test_a_stun_server_that_is_unknown_is_an_error_with_words() -> None:
    with pytest.raises(MappedAddressError, match="cannot be asked"):
        await mapped_address(("stun.invalid", 3478))


async def test_names_are_looked_up() -> None:
    asked = RelayConfig(rtc=EngineConfig(bind_address="localhost"), public_addresses=("localhost", "198.51.100.7"))
    rtc = (await located(asked)).rtc
    assert rtc.bind_address == "127.0.0.1"
    assert rtc.public_addresses == (PublicAddress("127.0.0.1"), PublicAddress("198.51.100.7"))


@pytest.mark.parametrize(
    ("asked", "variable"),
    [
        (RelayConfig(rtc=EngineConfig(bind_address="nowhere.invalid")), "SOIREE_BIND_ADDRESS"),
        (RelayConfig(public_addresses=("nowhere.invalid",)), "SOIREE_PUBLIC_ADDRESS"),
    ],
)
async def test_a_name_that_nobody_knows_is_told_with_its_variable(asked: RelayConfig, variable: str) -> None:
    with pytest.raises(SettingError, match=f"^{variable}: "):
        await located(asked)
