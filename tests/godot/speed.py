"""`make godot-speed`: what the addon costs a game, in the official engine: a browser's, so WebAssembly, on one thread."""

import asyncio
import statistics

from tests.chromium import chromium
from tests.godot.rig import godot_in

RUNS = 5
ENTITIES, HZ, FRAMES_PER_S = 500, 20, 60


async def measure() -> dict[str, list[float]]:
    """Microseconds: of a record decoded, of one decoded and applied, of a thing's place to be drawn; one of each run."""
    found: dict[str, list[float]] = {"decode": [], "apply": [], "draw": []}
    async with chromium() as browser, godot_in(browser) as godot:
        for _ in range(RUNS):
            game = await godot.run("speed")
            for what, times in found.items():
                times.append(float((await game.line(rf"{what} (.*)", 60))[1]))
            await game.leave()
    return found


def main() -> None:
    """Print what was found."""
    found = asyncio.run(measure())
    for what, times in found.items():
        print(
            f"{what}: {statistics.median(times):.2f} µs a record ({min(times):.2f} to {max(times):.2f} in {RUNS} runs)"
        )
    apply_share = statistics.median(found["apply"]) * ENTITIES * HZ / 1e6
    draw_share = statistics.median(found["draw"]) * ENTITIES * FRAMES_PER_S / 1e6
    print(
        f"{ENTITIES} entities at {HZ} Hz: {apply_share:.1%} of a core; drawn {FRAMES_PER_S} times a second: {draw_share:.1%}"
    )


if __name__ == "__main__":
    main()
