"""Which endpoints are ours: those of connections that live, however many share one."""

from soiree.rtc.endpoints import Endpoints

HERE, THERE = ("10.0.0.2", 4000), ("10.0.0.2", 4001)


def test_an_endpoint_is_ours_until_the_last_connection_on_it_is_gone() -> None:
    endpoints = Endpoints()
    endpoints.set(1, {HERE})
    endpoints.set(2, {HERE, THERE})
    endpoints.forget(1)
    assert HERE in endpoints
    endpoints.forget(2)
    endpoints.forget(2)
    assert HERE not in endpoints
    assert THERE not in endpoints


def test_a_connection_that_tells_others_has_those_alone() -> None:
    endpoints = Endpoints()
    endpoints.set(1, {HERE})
    endpoints.set(1, {THERE})
    assert HERE not in endpoints
    assert THERE in endpoints
    assert ("10.0.0.3", 4001) not in endpoints
