"""`python -m tests.godot.export PROJECT FOLDER`: a Godot project exported for the web, without an editor.

It is the official template, and a pack of ours. What the editor's own export makes does as well:
`index.html` and what belongs to it in a folder that `SOIREE_GODOT_DEMO` names.
"""

import shutil
import sys
from pathlib import Path

from tests.godot.pack import pack, project
from tests.godot.rig import ENGINE_FILES, TEMPLATE

PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, user-scalable=no">
<title>Soirée in Godot</title>
<style>html, body, canvas { margin: 0; width: 100%; height: 100%; border: 0; overflow: hidden; background: #14102a; color: #fff8e7;
  font: 1rem system-ui, sans-serif; touch-action: none } #said { position: fixed; inset: auto 0 40%; text-align: center }</style>
<canvas id="canvas" tabindex="0">This browser has no canvas.</canvas>
<p id="said" role="status">Loading…</p>
<script src="index.js"></script>
<script>
  const said = document.getElementById("said");
  const missing = Engine.getMissingFeatures({ threads: false });
  if (missing.length) said.textContent = `This browser lacks: ${missing.join(", ")}`;
  else new Engine({ executable: "index", canvasResizePolicy: 2, focusCanvas: true, ensureCrossOriginIsolationHeaders: false })
    .startGame({ onProgress: (done, all) => { said.textContent = all ? `Loading… ${Math.round(100 * done / all)} %` : "Loading…"; } })
    .then(() => said.remove(), (trouble) => { said.textContent = `It did not start: ${trouble}`; });
</script>
"""


def export(folder: Path, to: Path) -> None:
    """Write the page, the engine and the project's pack. Raises FileNotFoundError when there is no project or no template."""
    missing = [name for name in ENGINE_FILES if not (TEMPLATE / name).is_file()]
    if missing:
        raise FileNotFoundError(f"no Godot template ({', '.join(missing)} missing): run `make setup`")
    if not (folder / "project.godot").is_file():
        raise FileNotFoundError(f"{folder} has no project.godot")
    to.mkdir(parents=True, exist_ok=True)
    for name in ENGINE_FILES:
        shutil.copyfile(TEMPLATE / name, to / name)
    (to / "index.pck").write_bytes(pack(project(folder)))
    (to / "index.html").write_text(PAGE)


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]))
