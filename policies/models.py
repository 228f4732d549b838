"""What people edit (with history), and the frozen versions decisions cite."""

from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from policies import decide, words
from policies.verdicts import Verdict
from supportdesk.core.tenancy import TenantModel

# A requirement or a limit can only restrict, so none of them may say "allow".
VERDICTS = [(verdict.code, verdict.code.replace("_", " ")) for verdict in Verdict if verdict is not Verdict.ALLOW]
UNREADABLE = "This cannot be evaluated: open it and correct what is marked."
VERDICT_CODES = [code for code, _words in VERDICTS]


class Prompt(TenantModel):
    """What the agent is told, as an editor writes it."""

    key = models.SlugField()
    name = models.CharField(max_length=80)
    body = models.TextField()
    history = HistoricalRecords()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="prompt_key_once")]

    def __str__(self) -> str:
        return self.name


class Policy(TenantModel):
    """What the agent may do: a set of rules and limits."""

    key = models.SlugField()
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = "policies"
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="policy_key_once")]

    def __str__(self) -> str:
        return self.name


class Rule(TenantModel):
    """One sentence of a policy: a permit, or a requirement with what happens where it is not met."""

    class Kind(models.TextChoices):
        PERMIT = decide.PERMIT, "Permit"
        REQUIRE = decide.REQUIRE, "Require"

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="rules")
    code = models.CharField(max_length=20, help_text="Shown beside every verdict, e.g. R-4.")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    title = models.CharField(max_length=200, help_text="The rule as a sentence a support lead would say.")
    tools = models.JSONField(default=list, help_text='Tool names, e.g. ["create_refund"]; ["*"] is every tool.')
    when = models.JSONField(default=list, blank=True, help_text="Applies only where all of these hold.")
    condition = models.JSONField(default=list, blank=True, help_text="A requirement is met where all of these hold.")
    otherwise = models.CharField(max_length=20, choices=VERDICTS, default=Verdict.ASK.code)
    message = models.CharField(max_length=200, blank=True, help_text="Said where the requirement is not met.")
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["policy", "code"], name="rule_code_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    def clean(self) -> None:
        """Refuse what could not be evaluated, with the field and the reason."""
        errors: dict[str, list[str]] = {}
        for name in ("when", "condition"):
            try:
                problems = [problem for each in conditions(getattr(self, name)) for problem in each.problems()]
            except (TypeError, KeyError, AttributeError):
                problems = ['Write a list like [{"fact": "order.is_own", "op": "==", "value": true}].']
            if problems:
                errors[name] = problems
        if not _are_names(self.tools):
            errors["tools"] = ['Write a list of tool names, like ["create_refund"].']
        if self.kind not in self.Kind.values:
            errors["kind"] = ["A rule permits or requires."]
        if self.otherwise not in VERDICT_CODES:
            errors["otherwise"] = [f"Where a requirement is not met, one of these speaks: {', '.join(VERDICT_CODES)}."]
        if self.kind == self.Kind.REQUIRE and self.condition == []:
            errors["condition"] = ["A requirement needs at least one condition."]
        if self.kind == self.Kind.PERMIT and self.condition:
            errors["condition"] = ["A permit has no condition of its own: put it under “when”."]
        if errors:
            raise ValidationError(errors)

    @property
    def sentence(self) -> str:
        """The rule in words, or that it cannot be read."""
        try:
            self.clean()
        except ValidationError:
            return UNREADABLE
        return words.sentence(frozen_rule(self.as_json()))

    def as_json(self) -> dict[str, Any]:
        """The rule as it is frozen."""
        names = ("code", "kind", "title", "tools", "when", "condition", "otherwise", "message")
        return {name: getattr(self, name) for name in names}


class Limit(TenantModel):
    """A cumulative cap, counted across channels and actors."""

    class Scope(models.TextChoices):
        ORDER = "order", "Order"
        CUSTOMER = "customer", "Customer"
        TENANT = "tenant", "Workspace"

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="limits")
    code = models.CharField(max_length=20)
    title = models.CharField(max_length=200)
    tools = models.JSONField(default=list)
    scope = models.CharField(max_length=10, choices=Scope.choices)
    window_days = models.PositiveSmallIntegerField(default=30)
    amount = models.JSONField(default=dict, blank=True, help_text='Minor units by currency, e.g. {"EUR": 20000}.')
    count = models.PositiveIntegerField(null=True, blank=True)
    otherwise = models.CharField(max_length=20, choices=VERDICTS, default=Verdict.ASK.code)
    is_active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["policy", "code"], name="limit_code_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    def clean(self) -> None:
        """Refuse caps that could not be measured."""
        errors: dict[str, str] = {}
        if not _are_names(self.tools) or "*" in self.tools:
            errors["tools"] = 'Name each tool the limit counts, like ["create_refund"]; “*” is not counted.'
        if self.amount != {} and not decide.is_money_table(self.amount):
            errors["amount"] = 'Write minor units by currency, like {"EUR": 20000} for €200.00.'
        if self.scope not in self.Scope.values:
            errors["scope"] = f"A limit counts per {', '.join(self.Scope.values)}."
        if self.otherwise not in VERDICT_CODES:
            errors["otherwise"] = f"Where a limit is reached, one of these speaks: {', '.join(VERDICT_CODES)}."
        if not self.window_days:
            errors["window_days"] = "A window is at least one day."
        if errors:
            raise ValidationError(errors)
        if self.amount == {} and self.count is None:
            raise ValidationError({NON_FIELD_ERRORS: "Give an amount, a count, or both."})

    @property
    def sentence(self) -> str:
        """The limit in words, or that it cannot be read."""
        try:
            self.clean()
        except ValidationError:
            return UNREADABLE
        return words.limit_sentence(frozen_limit(self.as_json()))

    def as_json(self) -> dict[str, Any]:
        """The limit as it is frozen."""
        names = ("code", "title", "tools", "scope", "window_days", "amount", "count", "otherwise")
        return {name: getattr(self, name) for name in names}


class PromptVersion(TenantModel):
    """A prompt as it was published: canonical JSON, never changed."""

    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    hash = models.CharField(max_length=64)
    published_at = models.DateTimeField(default=timezone.now)
    published_by = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["prompt", "number"], name="prompt_version_once")]

    def __str__(self) -> str:
        return f"{self.prompt} v{self.number}"


class PolicyVersion(TenantModel):
    """A policy with its rules and limits as they were published: canonical JSON, never changed."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    hash = models.CharField(max_length=64)
    published_at = models.DateTimeField(default=timezone.now)
    published_by = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["policy", "number"], name="policy_version_once")]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"

    def rules(self) -> list[decide.Rule]:
        """The frozen rules, ready to speak."""
        return [frozen_rule(row) for row in self.content["rules"]]

    def limits(self) -> list[decide.Limit]:
        """The frozen limits."""
        return [frozen_limit(row) for row in self.content["limits"]]


def frozen_rule(row: dict[str, Any]) -> decide.Rule:
    """One stored rule as the decision reads it.

    Raises:
        TypeError, KeyError: for something that is no rule.
    """
    return decide.Rule(
        code=row["code"],
        kind=row["kind"],
        title=row["title"],
        tools=tuple(row["tools"]),
        when=tuple(conditions(row["when"])),
        condition=tuple(conditions(row["condition"])),
        otherwise=Verdict.of(row["otherwise"]),
        message=row["message"],
    )


def frozen_limit(row: dict[str, Any]) -> decide.Limit:
    """One stored limit as the decision reads it.

    Raises:
        TypeError, KeyError: for something that is no limit.
    """
    return decide.Limit(**{**row, "tools": tuple(row["tools"]), "otherwise": Verdict.of(row["otherwise"])})


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) and name for name in value)


def conditions(rows: list[dict[str, Any]]) -> list[decide.Condition]:
    """Stored conditions as the decision reads them.

    Raises:
        TypeError, KeyError: for something that is no condition.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("than", ""), str) for row in rows):
        raise TypeError("conditions are a list of objects")
    return [decide.Condition(fact=row["fact"], op=row["op"], value=row.get("value"), than=row.get("than", "")) for row in rows]
