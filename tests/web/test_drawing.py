"""What the room page draws with: pictures that are remembered, and the layer of what stands about."""

from tests.web.conftest import Visitors

SPRITES = """async () => {
  const { MAX_SPRITES, Sprites } = await import("/static/room/sprites.js");
  const sprites = new Sprites();
  const look = (n) => ({
    kind: "box", colour: `hsl(${n % 360} 50% 50%)`, ring: `#${String(n)}`, dashed: false, ink: "#000", light: "#fff",
  });
  let most = 0;
  for (let n = 0; n < 3 * MAX_SPRITES; n++) {
    sprites.of(look(n), 8);
    most = Math.max(most, sprites.size);
  }
  const one = sprites.of(look(0), 10);
  return [most, MAX_SPRITES, sprites.of(look(0), 10.1) === one, sprites.of(look(0), 20) === one];
}"""

SCENERY = """async () => {
  const { Scenery } = await import("/static/room/scenery.js");
  const { Camera } = await import("/static/room/camera.js");
  const scenery = new Scenery();
  const colours = ["#300", "#300", "#300"];
  const style = {
    road: "#111", pavement: "#222", lane: "#333", house: colours, edge: "#444", roof: "#555", tree: colours, leaf: "#666",
    lamp: "#777", shine: "rgb(1 2 3 / 9%)", bench: "#888",
  };
  scenery.restyle(style, 1);
  const thing = (id, kind, x, z, more = {}) => ({
    id, kind, parentId: 0, isMine: false, position: [x, 0, z], rotation: [0, 0, 0, 1], properties: {}, ...more,
  });
  const canvas = Object.assign(document.createElement("canvas"), { width: 400, height: 300 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const camera = new Camera();
  camera.resize(400, 300);
  camera.zoom(0.25);
  const house = thing(1, "house", 0, 0, { properties: { width: 10, depth: 10, height: 9 } });
  const taken = [
    scenery.take(house), scenery.take(thing(2, "box", 0, 0)),
    scenery.take(thing(3, "tree", 5, 5, { parentId: 1 })), scenery.take(thing(4, "tree", 5, 5, { isMine: true })),
    scenery.take(house), scenery.take({ ...house, position: [1, 0, 0] }),
  ];
  const seen = (px, py) => context.getImageData(px, py, 1, 1).data[3] > 0;
  let now = 0;
  scenery.draw(context, camera, now);
  const drawn = [seen(215, 155), seen(80, 30)];
  for (let i = 0; i < 100; i++) scenery.draw(context, camera, (now += 16));
  const still = scenery.layers;
  for (let i = 0; i < 60; i++) {
    scenery.take(thing(100 + i, "tree", i - 30, 20));
    scenery.draw(context, camera, (now += 16));
  }
  const gathered = scenery.layers;
  const hit = [scenery.hit(4, 4, 0)?.id, scenery.hit(6, 4, 0) === null, scenery.hit(6, 4, 2)?.id];
  scenery.remove(1);
  return { taken, drawn, still, gathered, hit, left: [scenery.size, scenery.hit(4, 4, 0)] };
}"""


async def test_pictures_are_shared_by_like_sizes_and_bounded(visitors: Visitors) -> None:
    page = await visitors.lobby()
    most, bound, near, far = await page.evaluate(SPRITES)
    assert (most, near, far) == (bound, True, False)


async def test_what_stands_about_is_drawn_anew_only_when_it_changes(visitors: Visitors) -> None:
    page = await visitors.lobby()
    told = await page.evaluate(SCENERY)
    assert told["taken"] == [True, False, False, False, True, False]
    assert told["drawn"] == [True, False]
    assert told["still"] == 1
    assert 1 < told["gathered"] <= 7, "60 changes in a second are drawn five times"
    assert told["hit"] == [1, True, 1]
    assert told["left"] == [60, None]
