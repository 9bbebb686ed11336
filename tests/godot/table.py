"""Players of one game (`projects/game`), each a real Godot engine: has them do things, and says what they know in terms of who is who."""

import asyncio
import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.godot.rig import Game, Godot
from tests.party_server import Party

AGREED_WITHIN_S = 15.0
Known = dict[str, Any]


@dataclass(slots=True, eq=False)
class Player:
    """One engine, in a lobby or in none."""

    name: str
    game: Game
    peer: int = 0
    lobby: str = ""

    async def do(self, what: str, *arguments: Any, within_s: float = 30.0) -> Any:
        """Have it do something; what it answers."""
        said = await self.game.ask(json.dumps([what, *arguments]), rf"said {what} (.*)", within_s)
        answer: Any = json.loads(said[1])
        return answer


@dataclass(slots=True)
class Table:
    """Players of one lobby. Engines are started once and play one game after the other."""

    party: Party
    link: str = ""
    """Of the room, where it is one."""
    players: list[Player] = field(default_factory=list)
    host: int = 0
    """The id of whom the game's own nodes belong to."""

    def who(self, peer: int) -> str:
        """Name of a player; what has none is named by its number."""
        return next((player.name for player in self.players if player.peer == peer), str(peer))

    async def join(self, player: Player, lobby: str, *, mesh: bool = False, password: str = "") -> Known:
        """A player joins; the first one is the host."""
        said: Known = await player.do(
            "join", self.party.url.replace("http", "ws") + "/godot", lobby, mesh, self.host, password
        )
        return self._seat(player, said)

    async def enter(self, player: Player, *, password: str = "", **options: Any) -> Known:
        """A player comes into the room, which is made for the first one, the host."""
        if not self.link:
            self.link = f"{self.party.url}/r/{await self.party.another_room()}"
        return self._seat(player, await player.do("enter", self.link, self.host, password, options))

    def _seat(self, player: Player, said: Known) -> Known:
        if "trouble" not in said:
            player.peer, player.lobby = said["id"], said["lobby"]
            self.host = self.host or player.peer
            self.players.append(player)
        return said

    async def known(self, player: Player) -> Known:
        """What a player knows, in terms of who is who, ready to be compared."""
        told: Known = await player.do("result")
        ghost = {1} - {self.host}  # a server without the game is nobody's player
        told["peers"] = sorted(self.who(peer) for peer in told["peers"] if peer not in ghost)
        told["signals"] = sorted(
            [self.who(word) if isinstance(word, int) else word for word in signal]
            for signal in told["signals"]
            if not ghost & {word for word in signal if isinstance(word, int)}
        )
        told["last"] = [
            self.who(word) if index == 0 else word for index, word in enumerate((told["heard"] or [[]])[-1])
        ]
        for list_of in ("heard", "raw", "passwords"):
            told[list_of] = _once([self.who(row[0]), *row[1:]] for row in told[list_of])
        told["pawns"] = {
            self.who(int(name)): [place, hat, self.who(owner)] for name, (place, hat, owner) in told["pawns"].items()
        }
        told["things"] = {name: [*row[:-1], self.who(row[-1])] for name, row in told["things"].items()}
        told["baton"] = [self.who(told["baton"][0]), told["baton"][1]]
        return told

    async def agree(self, expected: dict[str, Known], within_s: float = AGREED_WITHIN_S) -> None:
        """Wait until each player knows what is expected of it, and no more of that.

        Raises:
            AssertionError: one of them knows something else.
        """
        await asyncio.gather(
            *(self._agrees(player, expected.get(player.name, {}), within_s) for player in self.players)
        )

    async def _agrees(self, player: Player, expected: Known, within_s: float) -> None:
        deadline = asyncio.get_running_loop().time() + within_s
        while True:
            known = await self.known(player)
            seen = {what: known[what] for what in expected}
            if seen == expected or asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.1)
        if seen != expected:
            wrong = difflib.unified_diff(_lines(expected), _lines(seen), "expected", player.name, lineterm="", n=2)
            raise AssertionError("\n".join([*wrong, *player.game.complaints]))

    async def everybody(self, what: str, *arguments: Any) -> None:
        """All do the same."""
        await asyncio.gather(*(player.do(what, *arguments) for player in self.players))

    async def part(self, player: Player) -> None:
        """One leaves."""
        await player.do("leave")
        self.players.remove(player)

    async def close(self) -> None:
        """All leave."""
        for player in list(self.players):
            await self.part(player)


def _lines(known: Known) -> list[str]:
    return json.dumps(known, indent=1).splitlines()


def in_words(row: Iterable[object]) -> list[str]:
    """What rows of anything can be sorted by."""
    return [str(word) for word in row]


def _once(rows: Iterable[list[Any]]) -> list[list[Any]]:
    """In a fixed order, and what may be lost, and so is said more than once, only once."""
    ordered = sorted(rows, key=in_words)
    return [row for number, row in enumerate(ordered) if row not in ordered[:number] or "lossy" not in str(row)]


async def seats(godot: Godot, *names: str) -> dict[str, Player]:
    """Engines for so many players, all started at once."""
    games = [await godot.run("game") for _ in names]
    await asyncio.gather(*(game.line("ready", 90) for game in games))
    return {name: Player(name, game) for name, game in zip(names, games, strict=True)}
