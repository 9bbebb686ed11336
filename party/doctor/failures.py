"""Errors of the network, sorted into the codes that advice is given by.

Pure core: exceptions in, codes out.
"""

import errno
import os
from collections.abc import Iterator

from party.doctor.findings import Failure

_BY_ERRNO = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "no-route",
    errno.ENETUNREACH: "no-route",
    errno.EADDRNOTAVAIL: "no-route",
    errno.ENETDOWN: "no-route",
}
_TLS_WORDS = (
    ("expired", "tls-expired"),
    ("not yet valid", "tls-expired"),
    ("hostname mismatch", "tls-name"),
    ("ip address mismatch", "tls-name"),
    ("self-signed", "tls-untrusted"),
    ("self signed", "tls-untrusted"),
    ("unable to get local issuer", "tls-untrusted"),
    ("unable to get issuer", "tls-untrusted"),
    ("wrong version number", "tls-none"),
    ("record layer failure", "tls-none"),
    ("packet length too long", "tls-none"),
)
"""What OpenSSL says, in lower case → code; the first that fits."""


def sorted_out(error: BaseException) -> Failure:
    """The code of an error of aiohttp, asyncio, ssl or the system, and what it says.

    Libraries wrap one error in another: the innermost that is known decides.
    """
    for cause in _causes(error):
        if failure := _known(cause):
            return failure
    return Failure("failed", str(error) or type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it wraps, and so on; bounded, since chains may loop."""
    waiting, met = [error], 0
    while waiting and met < 16:
        cause = waiting.pop(0)
        met += 1
        yield cause
        inner = (getattr(cause, "os_error", None), getattr(cause, "certificate_error", None), cause.__cause__)
        waiting += [one for one in inner if isinstance(one, BaseException)]
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions


def _known(cause: BaseException) -> Failure | None:
    said, kinds = str(cause), [kind.__name__ for kind in type(cause).__mro__]
    if "SSLError" in kinds or "CertificateError" in kinds:
        for words, code in _TLS_WORDS:
            if words in said.lower():
                return Failure(code, said)
        return Failure("tls", said)
    if "gaierror" in kinds:
        return Failure("no-name", said)
    if isinstance(cause, TimeoutError):
        return Failure("timeout", "")
    if isinstance(cause, OSError) and cause.errno in _BY_ERRNO:
        return Failure(_BY_ERRNO[cause.errno], os.strerror(cause.errno).lower())
    if "ServerDisconnectedError" in kinds:
        return Failure("reset", said)
    if "BadHttpMessage" in kinds or "ClientResponseError" in kinds:
        return Failure("not-http", said)
    return None
