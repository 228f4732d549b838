"""Cut a Markdown article into passages: the unit that is indexed, shown as a source and cited."""

from __future__ import annotations

import hashlib
import html
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from agents.knowledge.engine.text import base_language, normalise, sentences, word_count

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LEAST_WORDS, MOST_WORDS = 60, 180
INTRO_WORDS = 25
HEADING_SEPARATOR = " › "

_TAGS = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_SPACES = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class Passage:
    """A few whole sentences of one article under one heading; `text` is plain, `content_hash` is a SHA-256 in hex."""

    ordinal: int
    title: str
    heading: str
    text: str
    language: str
    content_hash: str


@dataclass(slots=True)
class _Block:
    """A paragraph, list item or table row: units that may stand apart, and the words that join them again."""

    units: list[str]
    glue: str = " "

    @property
    def words(self) -> int:
        return sum(word_count(unit) for unit in self.units)

    @property
    def text(self) -> str:
        return self.glue.join(self.units)


@dataclass(slots=True)
class _Section:
    """What stands under one heading."""

    path: tuple[str, ...]
    blocks: list[_Block] = field(default_factory=list)

    @property
    def words(self) -> int:
        return sum(block.words for block in self.blocks)


def cut(title: str, markdown: str, language: str) -> list[Passage]:
    """Passages of an article in reading order: cut at headings, then between paragraphs, inside a paragraph only between sentences."""
    title = _one_line(title)
    language = base_language(language)
    passages: list[Passage] = []
    for section in _with_intro_joined(_sections(title, markdown)):
        heading = HEADING_SEPARATOR.join(section.path)
        for text in _pack(section.blocks):
            digest = content_hash(title=title, heading=heading, text=text, language=language)
            passages.append(Passage(len(passages), title, heading, text, language, digest))
    return passages


def content_hash(*, title: str, heading: str, text: str, language: str) -> str:
    """SHA-256 over everything an index or embedder sees of a passage, so equal hashes may share a vector."""
    return hashlib.sha256("\x00".join((title, heading, text, language)).encode()).hexdigest()


def plain_text(markdown: str) -> str:
    """An article's words without Markdown or HTML, one block a line."""
    return "\n".join(block.text for section in _sections("", markdown, keep_headings=True) for block in section.blocks)


def _with_intro_joined(sections: list[_Section]) -> list[_Section]:
    """A line or two before the first heading is no answer by itself: it opens the first section."""
    filled = [section for section in sections if section.blocks]
    if len(filled) > 1 and not filled[0].path and filled[0].words < INTRO_WORDS:
        intro = filled.pop(0)
        filled[0].blocks[:0] = intro.blocks
    return filled


def _pack(blocks: Sequence[_Block]) -> list[str]:
    """Texts of roughly even length under MOST_WORDS, unless one sentence alone is longer."""
    total = sum(block.words for block in blocks)
    if total <= MOST_WORDS:
        return ["\n".join(block.text for block in blocks)]
    aim = total / math.ceil(total / ((LEAST_WORDS + MOST_WORDS) / 2))
    packed: list[tuple[str, int]] = []
    text, size = "", 0
    for piece, words, joint, announced in _pieces(blocks):
        # A line such as "You need:" stays with what it announces.
        if text and not announced and (size + words > MOST_WORDS or size >= aim):
            packed.append((text, size))
            text, size = "", 0
        text = f"{text}{joint}{piece}" if text else piece
        size += words
    if packed and size < LEAST_WORDS and packed[-1][1] + size <= MOST_WORDS:
        before, _ = packed.pop()
        text = f"{before}\n{text}"
    return [*(done for done, _ in packed), text]


def _pieces(blocks: Sequence[_Block]) -> Iterator[tuple[str, int, str, bool]]:
    """Whole blocks, or the sentences of one too long: (text, words, what joins it to the piece before, whether that one announced it)."""
    led = False
    for block in blocks:
        units = [block.text] if block.words <= MOST_WORDS else block.units
        for at, unit in enumerate(units):
            yield unit, word_count(unit), block.glue if at else "\n", led
            led = unit.endswith((":", "："))


def _sections(title: str, markdown: str, *, keep_headings: bool = False) -> list[_Section]:
    """Walk the parsed article once and file every block under its heading path."""
    stack: list[tuple[int, str]] = []
    sections = [_Section(())]
    lists: list[int | None] = []
    marker = ""
    header: list[str] = []
    row: list[str] = []
    in_header = False
    parsed = _parser().parse(normalise(markdown))
    for at, token in enumerate(parsed):
        blocks = sections[-1].blocks
        match token.type:
            case "inline":
                text = _inline(token)
                opener = parsed[at - 1].type
                if opener == "heading_open" and not keep_headings:
                    level = int(parsed[at - 1].tag[1])
                    stack = [(depth, name) for depth, name in stack if depth < level]
                    name = _one_line(text)
                    if name and not (level == 1 and name.casefold() == title.casefold()):
                        stack.append((level, name))
                    sections.append(_Section(tuple(name for _, name in stack)))
                elif opener in ("th_open", "td_open"):
                    row.append(_one_line(text))
                elif text.strip():
                    units = sentences(text)
                    units[0] = marker + units[0]
                    blocks.append(_Block(units))
                    marker = ""
            case "fence" | "code_block":
                if token.content.strip():
                    blocks.append(_Block(token.content.rstrip().split("\n"), "\n"))
            case "html_block":
                if text := _one_line(html.unescape(_TAGS.sub(" ", token.content))):
                    blocks.append(_Block(sentences(text)))
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_open":
                start = token.attrGet("start")
                lists.append(1 if start is None else int(start))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                number = lists[-1]
                marker = "" if number is None else f"{number}. "
                lists[-1] = None if number is None else number + 1
            case "list_item_close":
                marker = ""
            case "thead_open":
                in_header = True
            case "thead_close":
                in_header = False
            case "tr_close":
                if in_header:
                    header = row
                elif text := _row(header, row):
                    blocks.append(_Block([text]))
                row = []
            case _:
                pass
    return sections


def _row(header: Sequence[str], cells: Sequence[str]) -> str:
    """`Country: Spain; Price: €4.90`: a row that can be read, and found, without its table."""
    names = [*header, *[""] * len(cells)]
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in zip(names, cells, strict=False) if cell)


def _inline(token: Token) -> str:
    parts: list[str] = []
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n" if child.type == "hardbreak" else " ")
        elif child.type == "html_inline":
            parts.append("\n" if child.content.lower().startswith("<br") else "")
        else:
            parts.append(child.content)
    return _SPACES.sub(" ", "".join(parts)).strip()


def _one_line(text: str) -> str:
    return " ".join(normalise(text).split())


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")
