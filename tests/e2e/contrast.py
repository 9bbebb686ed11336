"""How far text stands out from what is behind it (WCAG 2.2, 1.4.3): computed colours against a picture of the page without its text."""

import base64
from dataclasses import dataclass

from playwright.async_api import Page

READABLE = 4.5
"""Least contrast of text, to 1 (level AA); large text could do with less, and is held to the same."""

_WITHOUT_WORDS = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { color: transparent !important; -webkit-text-fill-color: transparent !important; text-shadow: none !important;
    transition: none !important; caret-color: transparent !important; }`);
  document.adoptedStyleSheets.push(sheet);
}"""
_WITH_WORDS = "() => void document.adoptedStyleSheets.pop()"

_TEXTS = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const modal = document.querySelector("dialog:modal");
  while (walker.nextNode()) {
    const words = walker.currentNode.data.trim();
    const element = walker.currentNode.parentElement;
    if (!words || element.closest("script, style, option, :disabled, [aria-hidden=true], svg")) continue;
    if (modal && !modal.contains(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const { left, top, right, bottom, width, height } = range.getBoundingClientRect();
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || width < 2 || height < 2) continue;
    if (top >= 0 && bottom <= innerHeight && !element.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2))) continue;
    const where = `${element.tagName.toLowerCase()}.${element.className}`;
    found.push({ words: words.slice(0, 40), where, colour: getComputedStyle(element).color, box: { left, top, width, height } });
  }
  return found;
}"""

_MEASURE = """async ([texts, picture]) => {
  const image = await createImageBitmap(new Blob([Uint8Array.from(atob(picture), (byte) => byte.charCodeAt(0))]));
  const shot = new OffscreenCanvas(image.width, image.height).getContext("2d", { willReadFrequently: true });
  shot.drawImage(image, 0, 0);
  const dot = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const painted = (colour) => {
    dot.clearRect(0, 0, 1, 1);
    dot.fillStyle = colour;
    dot.fillRect(0, 0, 1, 1);
    return dot.getImageData(0, 0, 1, 1).data;
  };
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const contrast = ([r, g, b, a], behind) => {
    const front = [r, g, b].map((part, i) => (part * a + behind[i] * (255 - a)) / 255);
    const [light, dark] = [luminance(front), luminance(behind)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  return texts.map(({ words, where, colour, box }) => {
    const front = painted(colour);
    let worst = Infinity;
    for (const across of [0.05, 0.25, 0.5, 0.75, 0.95]) for (const down of [0.2, 0.5, 0.8]) {
      const behind = shot.getImageData(Math.floor(box.left + across * box.width), Math.floor(box.top + down * box.height), 1, 1).data;
      if (behind[3] === 255) worst = Math.min(worst, contrast(front, behind));
    }
    return { words, where, contrast: Math.round(worst * 100) / 100 };
  });
}"""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text that can be seen."""

    words: str
    where: str
    contrast: float
    """To 1, against the worst of what is behind it."""


async def faintest(page: Page) -> list[Text]:
    """All texts of a page (of the open dialog, when there is one) that are not switched off, the faintest first."""
    await page.evaluate("scrollTo(0, 0)")
    texts = await page.evaluate(_TEXTS)
    assert texts, "no text at all"
    await page.evaluate(_WITHOUT_WORDS)
    picture = base64.b64encode(await page.screenshot(full_page=True, animations="disabled")).decode()
    await page.evaluate(_WITH_WORDS)
    measured = await page.evaluate(_MEASURE, [texts, picture])
    return sorted(
        (Text(one["words"], one["where"], one["contrast"]) for one in measured), key=lambda text: text.contrast
    )
