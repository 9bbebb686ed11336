"""Settings: what the environment says, what is refused, and that help and documents tell the same."""

import stat
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

import pytest

from signalling.config import SETTINGS, HomeConfig
from signalling.keys import load_secret
from soiree.rtc.engine import IceServer
from soiree.settings import Setting, SettingError

EXAMPLES = {
    "SOIREE_SECRET": ("sixteen letters!", "sixteen letters!"),
    "SOIREE_DATA_DIR": ("data", Path("data")),
    "SOIREE_PUBLIC_URL": ("https://party.example.org/", "https://party.example.org"),
    "HOST": ("0.0.0.0", "0.0.0.0"),
    "PORT": ("9000", 9000),
    "SOIREE_TRUSTED_PROXIES": ("10.0.0.0/8, ::1", (ip_network("10.0.0.0/8"), ip_network("::1"))),
    "SOIREE_ALLOWED_ORIGINS": ("https://A.example, http://b.example:81/", ("https://a.example", "http://b.example:81")),
    "SOIREE_ICE_SERVERS": (
        '[{"urls": "stun:a"}, {"urls": ["turn:b"], "username": "u", "credential": "c"}]',
        (IceServer(("stun:a",)), IceServer(("turn:b",), "u", "c")),
    ),
    "SOIREE_TURN_URLS": ("turn:a, turns:b", ("turn:a", "turns:b")),
    "SOIREE_TURN_SECRET": ("hush", "hush"),
    "SOIREE_TURN_LIFE_S": ("300", 300.0),
    "SOIREE_GODOT_MODE": ("bridge", "bridge"),
    "SOIREE_GODOT_DEMO": ("demo", Path("demo")),
    "SOIREE_MAX_CAPACITY": ("64", 64),
    "SOIREE_EMPTY_ROOM_LIFE_S": ("1.5", 1.5),
    "SOIREE_TICKET_LIFE_S": ("60", 60.0),
}
"""What is said, and what it means; every other setting is a number of things."""


@pytest.mark.parametrize("row", SETTINGS, ids=lambda setting: setting.variable)
def test_every_variable_sets_its_field(row: Setting) -> None:
    said, means = EXAMPLES.get(row.variable, ("7", 7))
    # A TURN server is of no use without its secret.
    needed = {"SOIREE_TURN_SECRET": "hush"} if row.variable == "SOIREE_TURN_URLS" else {}
    config = HomeConfig.from_environment({row.variable: str(said), **needed})
    assert getattr(config, row.field) == means != getattr(HomeConfig(), row.field)


def test_every_field_has_one_variable_and_its_default_is_told() -> None:
    assert sorted(setting.field for setting in SETTINGS) == sorted(field.name for field in fields(HomeConfig))
    told = {s.field: s.default for s in SETTINGS if s.default.replace(".", "").isdigit()}
    for field, default in told.items():
        assert str(getattr(HomeConfig(), field)).removesuffix(".0") == default


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("SOIREE_SECRET", "too short"),
        ("SOIREE_PUBLIC_URL", "party.example.org"),
        ("SOIREE_PUBLIC_URL", "https://party.example.org/path"),
        ("SOIREE_PUBLIC_URL", "https://host:port"),
        ("SOIREE_PUBLIC_URL", "ftp://host"),
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("SOIREE_TRUSTED_PROXIES", "proxy"),
        ("SOIREE_ALLOWED_ORIGINS", "example.org"),
        ("SOIREE_ICE_SERVERS", "stun:host"),
        ("SOIREE_ICE_SERVERS", '[{"url": "stun:host"}]'),
        ("SOIREE_TURN_URLS", "stun:a.example"),
        ("SOIREE_TURN_LIFE_S", "60"),
        ("SOIREE_MAX_ROOMS", "0"),
        ("SOIREE_MAX_CAPACITY", "1001"),
        ("SOIREE_MAX_CAPACITY", "8"),
        ("SOIREE_EMPTY_ROOM_LIFE_S", "0"),
        ("SOIREE_EMPTY_ROOM_LIFE_S", "ten"),
        ("SOIREE_TICKET_LIFE_S", "301"),
        ("SOIREE_TICKET_LIFE_S", "nan"),
    ],
)
def test_what_cannot_work_is_refused_by_the_variable_s_name(variable: str, said: str) -> None:
    with pytest.raises(SettingError, match=f"^{variable}: "):
        HomeConfig.from_environment({variable: said})


def test_nothing_said_is_the_default() -> None:
    assert HomeConfig.from_environment({"PORT": " ", "PATH": "anything"}) == HomeConfig()
    assert HomeConfig.from_environment({"SOIREE_ALLOWED_ORIGINS": "*"}).allowed_origins == ()


def test_a_turn_server_without_its_secret_is_refused() -> None:
    with pytest.raises(SettingError, match=r"^SOIREE_TURN_SECRET: is needed"):
        HomeConfig.from_environment({"SOIREE_TURN_URLS": "turn:a"})


def test_the_secret_is_never_printed() -> None:
    assert "hush" not in repr(HomeConfig(turn_secret="hush"))
    assert "sixteen" not in repr(HomeConfig(secret="sixteen letters!"))


def test_a_secret_is_made_once_and_only_its_user_can_read_it(tmp_path: Path) -> None:
    config = HomeConfig(data_dir=tmp_path / "new" / "folder")
    secret = load_secret(config)
    assert len(secret) == 64
    assert load_secret(config) == secret
    assert stat.S_IMODE((config.data_dir / "secret").stat().st_mode) == 0o600
    assert [path.name for path in config.data_dir.iterdir()] == ["secret"]


def test_the_secret_that_was_set_is_taken(tmp_path: Path) -> None:
    assert load_secret(HomeConfig(secret="sixteen letters!", data_dir=tmp_path)) == b"sixteen letters!"
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_cannot_be_kept_or_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match="cannot keep the secret"):
        load_secret(HomeConfig(data_dir=tmp_path / "file"))
    (tmp_path / "secret").write_text("short")
    with pytest.raises(SettingError, match="holds no secret of ours"):
        load_secret(HomeConfig(data_dir=tmp_path))
