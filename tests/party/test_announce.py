"""The link that is printed is one that opens."""

import pytest

from party.announce import announce, lobby_url, webrtc_words


@pytest.mark.parametrize(
    ("public_url", "host", "expected"),
    [
        (None, "127.0.0.1", "http://127.0.0.1:8080/"),
        (None, "0.0.0.0", "http://localhost:8080/"),
        (None, "::", "http://[::1]:8080/"),
        (None, "::1", "http://[::1]:8080/"),
        (None, "192.0.2.7", "http://192.0.2.7:8080/"),
        (None, "party.local", "http://party.local:8080/"),
        ("https://party.example.org", "0.0.0.0", "https://party.example.org/"),
    ],
)
def test_the_lobby_is_where_people_reach_it(public_url: str | None, host: str, expected: str) -> None:
    assert lobby_url(public_url, host, 8080) == expected


def test_programs_read_stdout_and_people_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    announce("http://127.0.0.1:1/", "http://127.0.0.1:1/r/party", "WebRTC by aiortc")
    out, err = capsys.readouterr()
    assert out == "room: http://127.0.0.1:1/r/party\nlobby: http://127.0.0.1:1/\n"
    assert "WebRTC by aiortc" in err
    assert "--host 0.0.0.0" in err


def test_an_open_server_does_not_say_that_it_is_closed(capsys: pytest.CaptureFixture[str]) -> None:
    announce("https://party.example.org/", None, "WebSockets alone: none is installed")
    out, err = capsys.readouterr()
    assert out == "lobby: https://party.example.org/\n"
    assert "Only this machine" not in err
    assert "WebSockets alone" in err


def test_the_udp_port_is_told_and_why_it_is_another() -> None:
    assert webrtc_words("aiortc", None, None, "") == "WebRTC by aiortc, and WebSockets"
    assert webrtc_words("libdatachannel", 8080, 8080, "") == "WebRTC by libdatachannel on UDP port 8080, and WebSockets"
    assert "on UDP port 40001 (8080 is taken)," in webrtc_words("libdatachannel", 40001, 8080, "")
    assert webrtc_words(None, None, None, "Heroku lets no UDP in") == "WebSockets alone: Heroku lets no UDP in"
