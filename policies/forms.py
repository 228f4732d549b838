"""Conditions, tools and amounts as an editor writes them: a line of text each, stored as JSON.

order.days_since_delivery <= 60
refund.amount <= 100.00 EUR, 90.00 GBP
order.status in paid, packed
refund.amount <= order.remaining
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from policies.decide import OPS
from policies.facts import CATALOGUE
from policies.models import Limit, Rule
from supportdesk.core.forms import NamesField
from supportdesk.core.money import Money, UnknownCurrency, exponent

LINE = re.compile(r"^(?P<fact>[\w.]+)\s*(?P<op>==|!=|<=|>=|<|>|=|\bnot\s+in\b|\bin\b|\bis\s+not\b|\bis\b)\s*(?P<value>.+)$")
PART = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,]*)\s*(?:,|$)')
PLAIN = re.compile(r"^[\w-]+(?: [\w-]+)*$")
YES_NO = {"yes": True, "true": True, "no": False, "false": False}


def written(rows: Any) -> str:
    """Stored conditions as lines; what is no list of conditions is shown as the JSON it is."""
    try:
        return "\n".join(f"{row['fact']} {row['op']} {_value_written(row)}" for row in rows)
    except (TypeError, KeyError, AttributeError, ArithmeticError, UnknownCurrency):
        return json.dumps(rows, ensure_ascii=False)


def _value_written(row: dict[str, Any]) -> str:
    if row.get("than"):
        return str(row["than"])
    value = row.get("value")
    if isinstance(value, dict):
        return money_written(value)
    return ", ".join(map(_plain, value)) if isinstance(value, list) else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and PLAIN.match(value) and value not in CATALOGUE and value not in YES_NO and not value.isdigit():
        return value
    return json.dumps(value, ensure_ascii=False)


def money_written(table: dict[str, int]) -> str:
    """{"EUR": 10000} as “100.00 EUR”."""
    return ", ".join(f"{Money(amount, code).decimal:f} {code}" for code, amount in table.items())


def read(text: str) -> list[dict[str, Any]]:
    """Lines as conditions to store.

    Raises:
        ValidationError: naming each line that cannot be read and what it should look like.
    """
    if text.lstrip().startswith("["):
        return _read_json(text)
    rows, problems = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append(_read_line(line.strip()))
        except ValueError as error:
            problems.append(f"Line {number}: {error}")
    if problems:
        raise ValidationError(problems)
    return rows


def _read_json(text: str) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = json.loads(text)
    except ValueError as error:
        raise ValidationError(f"This begins like JSON and is none: {error}") from error
    return rows


def _read_line(line: str) -> dict[str, Any]:
    found = LINE.match(line)
    if found is None:
        raise ValueError(
            f"“{line}” is no condition. Write a fact, a comparison ({', '.join(OPS)}) and a value: order.days_since_delivery <= 60"
        )
    op = " ".join(found["op"].split())
    op = {"=": "==", "is": "==", "is not": "!="}.get(op, op)
    name, value = found["fact"], found["value"].strip()
    fact = CATALOGUE.get(name)
    if fact is None:
        raise ValueError(f"There is no fact “{name}”. Use one of: {', '.join(CATALOGUE)}.")
    if value in CATALOGUE:
        return {"fact": name, "op": op, "than": value}
    if fact.kind == "money":
        return {"fact": name, "op": op, "value": read_money(value)}
    parts = [_read_value(part, fact.kind) for part in _parts(value)]
    if op in ("in", "not in"):
        return {"fact": name, "op": op, "value": parts}
    if len(parts) != 1:
        raise ValueError(f"“{op}” compares with one value; for several write “{name} in {value}”.")
    return {"fact": name, "op": op, "value": parts[0]}


def _parts(text: str) -> list[str]:
    return [part for part in (found[1].strip() for found in PART.finditer(text)) if part]


def _read_value(text: str, kind: str) -> Any:
    if text.startswith('"'):
        try:
            return json.loads(text)
        except ValueError:
            raise ValueError(f"{text} has no closing quotation mark.") from None
    if kind == "yesno" and text.lower() in YES_NO:
        return YES_NO[text.lower()]
    if kind == "yesno":
        raise ValueError(f"“{text}” is neither yes nor no.")
    if kind == "number" and re.fullmatch(r"-?[0-9]+", text):
        return int(text)
    if kind == "number":
        raise ValueError(f"“{text}” is no whole number.")
    return text


def read_money(text: str) -> dict[str, int]:
    """“100.00 EUR, 90.00 GBP” as {"EUR": 10000, "GBP": 9000}.

    Raises:
        ValueError: for no amount, an unknown currency, or more decimals than the currency has.
    """
    table: dict[str, int] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        number, _, code = part.partition(" ")
        code = code.strip().upper()
        try:
            if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", number):
                raise InvalidOperation
            minor = Decimal(number).scaleb(exponent(code))
        except InvalidOperation:
            raise ValueError(f"“{part}” is no amount. Write it like 100.00 EUR.") from None
        except UnknownCurrency:
            raise ValueError(f"“{part}” names no currency. Write it like 100.00 EUR.") from None
        if minor != int(minor):
            raise ValueError(f"{code} has {exponent(code)} decimals; “{number}” has more.")
        if code in table:
            raise ValueError(f"{code} is written twice.")
        table[code] = int(minor)
    if not table:
        raise ValueError("Write an amount like 100.00 EUR.")
    return table


class ConditionsField(forms.CharField):
    """A list of conditions, one on each line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        """Stored rows as lines; what was typed stays as it was typed."""
        return value if isinstance(value, str) else written(value or [])

    def to_python(self, value: Any) -> Any:
        """The typed lines as rows."""
        return read(str(value or ""))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the typed lines mean something else than what is stored."""
        try:
            return bool(self.to_python(data) != (initial or []))
        except ValidationError:
            return True


class AmountsField(forms.CharField):
    """An amount for each currency: “200.00 EUR, 180.00 GBP”."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        """Stored minor units as amounts."""
        try:
            return money_written(value) if isinstance(value, dict) else value
        except (TypeError, ArithmeticError, UnknownCurrency):
            return json.dumps(value)

    def to_python(self, value: Any) -> Any:
        """Minor units by currency."""
        try:
            return read_money(str(value)) if value else {}
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other amounts were typed."""
        try:
            return bool(self.to_python(data) != (initial or {}))
        except ValidationError:
            return True


TOOLS_HELP = "Tool names parted by commas, e.g. create_refund, cancel_order."


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A rule with its conditions as lines."""

    tools = NamesField(help_text=f"{TOOLS_HELP} * is every tool.")
    when = ConditionsField(required=False, label="Applies when", help_text="Applies only where all of these hold; empty: always.")
    condition = ConditionsField(required=False, label="Requires", help_text="Only for a requirement: met where all of these hold.")

    class Meta:
        model = Rule
        fields: list[str] = []


class LimitForm(forms.ModelForm):  # type: ignore[type-arg]
    """A limit with its amounts in money."""

    tools = NamesField(help_text=TOOLS_HELP)
    amount = AmountsField(required=False, help_text="Like 200.00 EUR, 180.00 GBP. A currency that is not named has no allowance.")

    class Meta:
        model = Limit
        fields: list[str] = []
