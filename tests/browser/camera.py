"""Takes each view wide and narrow, light and dark, and makes a sheet of them all."""

import html
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

SIZES = {1440: 900, 390: 844}
THEMES = ("light", "dark")
QUALITY = 58
TALLEST = 3600
# Some pages scroll as a whole, some in a part of their own.
HEIGHT = "Math.max(...[...document.querySelectorAll('html, body, main, .sheet')].map((each) => each.scrollHeight + each.offsetTop))"
PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Camera:
    """Takes each view in every size and theme."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.taken: list[tuple[str, str, list[tuple[int, str, str]]]] = []

    def shoot(
        self, page: Page, name: str, words: str, *, whole: bool = False, again: bool = False, sizes: tuple[int, ...] = tuple(SIZES)
    ) -> None:
        """Store `name-width-theme.webp` for each; `whole` pictures reach down to the end of the page, `again` loads it anew for each."""
        made = []
        before = page.viewport_size
        for width in sizes:
            page.set_viewport_size({"width": width, "height": SIZES[width]})
            for theme in THEMES:
                page.emulate_media(color_scheme=theme)
                if again:
                    page.reload()
                if whole:
                    page.set_viewport_size({"width": width, "height": max(SIZES[width], min(TALLEST, page.evaluate(HEIGHT)))})
                page.evaluate(PAINTED)
                file = f"{name}-{width}-{theme}.webp"
                self._store(page.screenshot(animations="disabled", caret="hide"), file)
                made.append((width, theme, file))
        page.emulate_media(color_scheme="light")
        if before:
            page.set_viewport_size(before)
        self.taken.append((name, words, made))
        print(f"{name:<22} {words}", flush=True)

    def _store(self, png: bytes, file: str) -> None:
        Image.open(io.BytesIO(png)).convert("RGB").save(self.folder / file, "WEBP", quality=QUALITY, method=6)

    def sheet(self) -> None:
        """The contact sheet: one row a view."""
        rows = []
        for name, words, made in self.taken:
            pictures = "\n".join(
                f'<a href="{file}"><img src="{file}" alt="{html.escape(words)}, {width} px, {theme}" loading="lazy" class="w{width}"></a>'
                for width, theme, file in made
            )
            rows.append(f'<section id="{name}"><h2>{html.escape(words)}</h2>\n<div>{pictures}</div></section>')
        (self.folder / "index.html").write_text(SHEET.replace("ROWS", "\n".join(rows)))


SHEET = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Every page and state of SupportDesk</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem; background: light-dark(#f3f2ef, #17181c); color: light-dark(#22262f, #eee); }
h1 { font-size: 1.5rem; } h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
section div { display: flex; gap: 1rem; align-items: start; overflow-x: auto; padding-bottom: .5rem; }
img { display: block; border: 1px solid #8885; border-radius: 6px; height: auto; } .w1440 { width: 640px; } .w390 { width: 180px; }
</style>
</head>
<body>
<h1>Every page and state of SupportDesk</h1>
<p>Made by <code>make screens</code>. Each view is 1440 and 390 pixels wide, light and dark.</p>
ROWS
</body>
</html>
"""
