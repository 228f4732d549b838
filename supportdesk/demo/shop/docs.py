"""The OpenAPI document as one plain page for people."""

from __future__ import annotations

import re
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; }
code, pre { font: .9em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { border: 1px solid #8886; border-radius: .5rem; padding: 1rem; white-space: pre-wrap; }
section { border-top: 1px solid #8886; padding: .5rem 0 1rem; }
h2 { margin-top: 2.5rem; } h3 { font: 600 1rem/1.6 ui-monospace, monospace; margin-bottom: 0; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(4rem, max-content) 1fr; gap: .2rem 1rem; margin: .5rem 0; } dd { margin: 0; }
"""

TRY = """curl -H "Authorization: Bearer $SHOP_TOKEN" http://127.0.0.1:8970/v1/orders/N-20377

curl -X POST http://127.0.0.1:8970/v1/orders/N-20377/refunds \\
     -H "Authorization: Bearer $SHOP_TOKEN" -H "Idempotency-Key: first-try" \\
     -d '{"amount": 6400, "currency": "EUR", "reason": "boots too small"}'"""


def docs_page(document: dict[str, Any]) -> str:
    """HTML for reading: the introduction, two requests to copy, every endpoint, every schema."""
    info = document["info"]
    endpoints = "".join(
        _endpoint(method, path, operation) for path, methods in document["paths"].items() for method, operation in methods.items()
    )
    schemas = "".join(_schema(name, schema) for name, schema in document["components"]["schemas"].items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style></head><body><main><h1>{escape(info['title'])}</h1>"
        f'{_prose(info["description"])}<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
        f"<h2>Try it</h2><pre>{escape(TRY)}</pre><h2>Endpoints</h2>{endpoints}<h2>Shapes</h2>{schemas}</main></body></html>"
    )


def _endpoint(method: str, path: str, operation: dict[str, Any]) -> str:
    terms = [(f"{given['name']} ({given['in']})", given["description"]) for given in operation.get("parameters", ())]
    if body := operation.get("requestBody"):
        terms.append(("body", _shape_of(body)))
    terms += [
        (status, " ".join(filter(None, (answer["description"], _shape_of(answer))))) for status, answer in operation["responses"].items()
    ]
    return f"<section><h3>{method.upper()} {escape(path)}</h3>{escape(operation['summary'])}{_terms(terms)}</section>"


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = set(schema["required"])
    terms = [(key if key in required else f"{key} (optional)", _kind(value)) for key, value in schema["properties"].items()]
    return f'<section id="{escape(name)}"><h3>{escape(name)}</h3>{_terms(terms)}</section>'


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words, like `integer, 1 or more`."""
    if ref := schema.get("$ref"):
        return f"`{ref.rsplit('/', 1)[-1]}`"
    if choices := schema.get("anyOf"):
        return " or ".join(_kind(choice) for choice in choices)
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    said = [schema.get("format") or schema.get("type") or ""]
    said += [f"`{value}`" for value in schema.get("enum", [schema["const"]] if "const" in schema else [])]
    if "minimum" in schema:
        said.append(f"{schema['minimum']} or more")
    if "maxLength" in schema:
        said.append(f"at most {schema['maxLength']} characters")
    return ", ".join(filter(None, [*said, schema.get("description")]))


def _shape_of(part: dict[str, Any]) -> str:
    schema = part.get("content", {}).get("application/json", {}).get("schema", {})
    return _kind(schema) if "$ref" in schema else ""


def _terms(terms: list[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt><code>{escape(term)}</code></dt><dd>{_inline(text)}</dd>" for term, text in terms) + "</dl>"


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.split("\n\n"))


def _inline(text: str) -> str:
    """The two marks the document uses, `code` and **strong**, after escaping."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", marked)
