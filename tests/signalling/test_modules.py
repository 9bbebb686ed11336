"""The list of modules that a page fetches at once is the list of those that it imports."""

import re

import pytest

from signalling.modules import imports_of
from signalling.pages import STATIC

SOURCES = {
    "a/main.js": 'import { one } from "./one.js";\nimport {\n  two,\n} from "../b/two.js";\n/** @type {import("./type.js").T} */\n',
    "a/one.js": 'export { two } from "../b/two.js";\nimport "./bare.js";\n',
    "a/bare.js": "export const x = 'import \"./no.js\"';\n",
    "b/two.js": 'import { main } from "../a/main.js";\n',
}


def test_imports_are_followed_once_each_and_types_are_not() -> None:
    assert imports_of("a/main.js", SOURCES.__getitem__) == ("a/main.js", "a/one.js", "b/two.js", "a/bare.js")


@pytest.mark.parametrize("entry", ["room/main.js", "lobby/main.js"])
def test_every_module_of_a_page_is_there(entry: str) -> None:
    found = imports_of(entry, lambda path: (STATIC / path).read_text())
    assert len(found) > 5
    named = re.compile(r"""\bfrom ["'](\.[^"']+)["']""")
    for path in found:
        here = (STATIC / path).parent
        for address in named.findall((STATIC / path).read_text()):
            assert (here / address).resolve().relative_to(STATIC).as_posix() in found
