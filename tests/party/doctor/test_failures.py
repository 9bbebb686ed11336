"""Errors of the network to codes."""

import errno
import socket
import ssl

import pytest

from party.doctor.failures import sorted_out


def wrapped(inner: BaseException) -> Exception:
    """As libraries do it."""
    outer = RuntimeError("something went wrong")
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "refused"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "reset"),
        (OSError(errno.ENETUNREACH, "unreachable"), "no-route"),
        (OSError(errno.EHOSTUNREACH, "unreachable"), "no-route"),
        (TimeoutError(), "timeout"),
        (socket.gaierror(-2, "Name or service not known"), "no-name"),
        (ssl.SSLCertVerificationError(1, "certificate has expired"), "tls-expired"),
        (ssl.SSLCertVerificationError(1, "Hostname mismatch, certificate is not valid for 'x'"), "tls-name"),
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), "tls-untrusted"),
        (ssl.SSLCertVerificationError(1, "unable to get local issuer certificate"), "tls-untrusted"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "tls-none"),
        (ssl.SSLError(1, "handshake failure"), "tls"),
        (ValueError("odd"), "failed"),
        (OSError("of no number"), "failed"),
    ],
)
def test_the_innermost_known_error_decides(error: Exception, code: str) -> None:
    assert sorted_out(error).code == code
    assert sorted_out(wrapped(error)).code == code
    assert sorted_out(ExceptionGroup("several", [wrapped(error)])).code == code


def test_a_chain_that_loops_ends() -> None:
    first, second = RuntimeError("a"), RuntimeError("b")
    first.__cause__, second.__cause__ = second, first
    assert sorted_out(first).code == "failed"
