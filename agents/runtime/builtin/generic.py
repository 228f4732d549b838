"""Tools the built-in model does not know by name: matched by their own words, filled by their own schema."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agents.runtime.builtin import extract, slots
from agents.runtime.builtin.desk import Desk
from agents.runtime.builtin.turns import Call, Conversation, Step, Thought, Tool
from agents.runtime.builtin.words import fold, stem, word_list, words

KNOWN = frozenset(word_list("known_tools"))
_SMALL = frozenset(word_list("small_in_tool_names"))
_NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:\.\d+)?(?![\w])")
_QUOTED = re.compile(r"[\"“„«]([^\"”“»]{1,200})[\"”“»]|(?<!\w)'([^']{1,200})'(?!\w)")
_PLACE = re.compile(r"\b(?:in|at|for|near|to|from)\s+((?:[A-Z][\w.'’-]*|of|de|la|New)(?:[\s,]+(?:[A-Z][\w.'’-]*))*)")
_NAMED = re.compile(r"\b(?:named|called|name is|name:)\s+((?:[A-Z][\w.'’-]*)(?:\s+[A-Z][\w.'’-]*)*)")
_PLACES = frozenset(word_list("places"))


def outcome(conversation: Conversation) -> Thought | None:
    """The words for the latest result when it came from a tool unknown by name."""
    step = conversation.steps[-1] if conversation.steps else None
    if step is None or (step.call.name in KNOWN and conversation.context.given):
        return None
    desk = Desk(conversation)
    if stopped := desk.trouble(step.result):
        return stopped
    return Thought(_told(desk, step) or desk.phrase("done_other"))


def _told(desk: Desk, step: Step) -> str:
    result = step.result
    if result.status == "done":
        reference = (result.data or {}).get("reference")
        return " ".join([desk.phrase("done_other"), *([desk.phrase("reference", reference=reference)] if reference else [])])
    if result.status == "not_found":
        return desk.phrase("cannot_help")
    if result.sources:
        found = extract.answer(desk.last_burst, result.sources, desk.language)
        first = next((line for line in result.sources[0].text.splitlines() if line.strip()), "")
        return found.text if found else f"{first.strip()} [{result.sources[0].n}]"
    if result.data is not None:
        return _listed(result.data)
    try:
        given = json.loads(result.text)
    except ValueError:
        return result.text.strip()
    return _listed(given)


def _listed(given: object) -> str:
    if isinstance(given, Mapping):
        return ", ".join(f"{str(key).replace('_', ' ')}: {_listed(value)}" for key, value in given.items())
    if isinstance(given, Sequence) and not isinstance(given, str):
        return ", ".join(_listed(one) for one in given)
    return str(given)


def plainly_meant(conversation: Conversation, *, foreign_only: bool = False) -> Thought | None:
    """A call of the one tool a message plainly means, all its required arguments found in the message; else None."""
    pairs = conversation.bursts
    text = pairs[-1][0] if pairs else ""
    offered = [tool for tool in conversation.tools.values() if tool.name not in KNOWN]
    if not text or conversation.steps or not offered:
        return None
    scored = sorted(((likeness(text, tool), tool) for tool in offered), key=lambda pair: -pair[0])
    score, tool = scored[0]
    arguments, grounded = fill(tool.parameters, text)
    if score < 1.0 or not grounded or (foreign_only and len(scored) > 1 and scored[1][0] == score):
        return None
    return Thought(calls=(Call(tool.name, arguments),))


def likeness(text: str, tool: Tool) -> float:
    """1 and more when the name stands in the text or all its telling words do; less for a share of them."""
    if re.search(rf"(?<!\w){re.escape(fold(tool.name))}(?!\w)", fold(text)):
        return 3.0
    said = {stem(word) for word in words(text)}
    name = {stem(word) for word in words(re.sub(r"([a-z])([A-Z])", r"\1 \2", tool.name).replace("_", " ")) if word not in _SMALL}
    told = {stem(word) for word in words(tool.description) if word not in _SMALL and len(word) > 2} - name
    if not name or not said & name:
        return 0.0
    return len(said & name) / len(name) + 0.25 * len(said & told) / (len(told) or 1)


def forced(conversation: Conversation, name: str | None) -> Thought:
    """A call of the tool of this name, or of the likeliest one, with every required argument filled as well as the text allows."""
    text = conversation.bursts[-1][0] if conversation.bursts else ""
    tools = conversation.tools
    tool = tools.get(name or "") or max(tools.values(), key=lambda one: likeness(text, one))
    return Thought(calls=(Call(tool.name, fill(tool.parameters, text)[0]),))


class _Finds:
    """What a text offers to fill arguments with; numbers and quotations are used up in order."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        self.quoted = [first or second for first, second in _QUOTED.findall(text)]
        self.numbers = [
            match.group().replace("−", "-") for match in _NUMBER.finditer(_QUOTED.sub(" ", re.sub(r"(?<=[(=:,+*/])", " ", text)))
        ]
        self.given = _json_in(text)

    def number_for(self, name: str) -> str | None:
        if match := re.search(rf"\b{re.escape(name)}\b\s*(?:=|:|is|of)?\s*([-−]?\d+(?:\.\d+)?)", self.text, re.I):
            figure = match[1].replace("−", "-")
            if figure in self.numbers:
                self.numbers.remove(figure)
            return figure
        return self.numbers.pop(0) if self.numbers else None


def _json_in(text: str) -> Mapping[str, Any]:
    start = text.find("{")
    if start >= 0:
        try:
            given, _ = json.JSONDecoder().raw_decode(text[start:])
        except ValueError:
            return {}
        if isinstance(given, dict):
            return given
    return {}


def fill(schema: Mapping[str, Any], text: str) -> tuple[dict[str, Any], bool]:
    """(arguments for a JSON schema, whether every required one was really found in the text)."""
    definitions = schema.get("$defs") or schema.get("definitions") or {}
    return _object(schema, _Finds(text), definitions)


def _object(schema: Mapping[str, Any], finds: _Finds, definitions: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    required = set(schema.get("required") or ())
    out: dict[str, Any] = {}
    grounded = True
    for name, part in (schema.get("properties") or {}).items():
        if name in finds.given:
            out[name] = finds.given[name]
            continue
        value, found = _value(name, part, finds, definitions)
        if found or name in required:
            out[name] = value
            grounded &= found or name not in required
    return out, grounded


def _value(name: str, schema: Mapping[str, Any], finds: _Finds, definitions: Mapping[str, Any]) -> tuple[Any, bool]:
    """(a value of the schema's type, whether the text offers it)."""
    if reference := schema.get("$ref"):
        schema = definitions.get(str(reference).rsplit("/", 1)[-1], {})
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        real = [one for one in options if one.get("type") != "null"] or list(options)
        value, found = _value(name, real[0], finds, definitions)
        return (value, found) if found or len(real) == len(options) else (None, False)
    if "const" in schema:
        return schema["const"], True
    if choices := schema.get("enum"):
        plain = fold(finds.text)
        chosen = next((one for one in choices if fold(str(one)) in plain), None)
        return (chosen, True) if chosen is not None else (schema.get("default", choices[0]), False)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "string")
    match kind:
        case "integer" | "number":
            figure = finds.number_for(name)
            if figure is None:
                return schema.get("default", max(0, schema.get("minimum", 0))), False
            return (int(float(figure)) if kind == "integer" else float(figure)), True
        case "boolean":
            said = slots.yes_or_no(finds.text)
            return (said, True) if said is not None else (bool(schema.get("default", False)), False)
        case "array":
            return _array(name, schema, finds, definitions)
        case "object":
            value, found = _object(schema, finds, definitions)
            return value, found and bool(value)
        case _:
            return _string(name, schema, finds)


def _array(name: str, schema: Mapping[str, Any], finds: _Finds, definitions: Mapping[str, Any]) -> tuple[list[Any], bool]:
    inner = schema.get("items") or {}
    out: list[Any] = []
    while (finds.numbers if inner.get("type") in ("integer", "number") else finds.quoted) and len(out) < 20:
        out.append(_value(name, inner, finds, definitions)[0])
    return (out, True) if out else ([], False)


def _string(name: str, schema: Mapping[str, Any], finds: _Finds) -> tuple[str, bool]:
    tokens = set(words(name.replace("_", " ")))
    if "order" in tokens and tokens & {"number", "id"}:
        numbers = slots.order_numbers(finds.text)
        return (numbers[0], True) if numbers else ("", False)
    if "subscription" in tokens and (ids := slots.subscription_ids(finds.text)):
        return ids[0], True
    if ("email" in tokens or schema.get("format") == "email") and (address := slots.email(finds.text)):
        return address, True
    if finds.quoted:
        return finds.quoted.pop(0), True
    if tokens & _PLACES and (place := _PLACE.search(finds.text)):
        return place[1].strip(" ,.?!"), True
    if "name" in tokens and (named := _NAMED.search(finds.text)):
        return named[1], True
    if tokens & _PLACES or "name" in tokens:
        return str(schema.get("default", finds.text)), False
    free = tokens & {
        "query",
        "question",
        "text",
        "message",
        "search",
        "prompt",
        "description",
        "summary",
        "reason",
        "note",
        "body",
        "topic",
        "input",
        "setup",
        "punchline",
    }
    return (finds.text if "default" not in schema or free else str(schema["default"])), bool(free)
