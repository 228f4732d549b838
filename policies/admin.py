"""Where policy editors work: drafts with history, publishing, and the frozen versions to look at."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from policies import words
from policies.facts import CATALOGUE
from policies.forms import LimitForm, RuleForm, money_written, written
from policies.models import Limit, Policy, PolicyVersion, Prompt, PromptVersion, Rule
from policies.publishing import digest, publish_policy, publish_prompt
from supportdesk.core.admin import HistoryAdmin, ReadOnlyAdmin, TenantForm, TenantStackedInline, WordsOfChange, act, member_of, shown
from supportdesk.core.permissions import may

PUBLISH_BUTTON = "publish_after_saving"
KINDS = {"text": "text", "number": "whole number", "yesno": "yes or no", "money": "money"}


class TenantRuleForm(TenantForm, RuleForm):
    """A rule of the workspace."""


class TenantLimitForm(TenantForm, LimitForm):
    """A limit of the workspace."""


class WordsOfPolicy(WordsOfChange):
    """Conditions, tools and amounts as the form writes them."""

    def prepare_delta_change_value(self, change: Any, value: Any) -> Any:
        """The stored JSON as lines."""
        if change.field in ("when", "condition"):
            return written(value) or "always"
        if change.field == "tools" and isinstance(value, list):
            return ", ".join(map(str, value))
        if change.field == "amount" and isinstance(value, dict):
            return money_written(value) or "none"
        return super().prepare_delta_change_value(change, value)


def fact_list() -> SafeString:
    """The facts conditions may name, for the foot of the form."""
    rows = ((fact.name, KINDS[fact.kind], fact.words) for fact in CATALOGUE.values())
    return format_html('<ul class="list-disc pl-4">{}</ul>', format_html_join("", "<li><code>{}</code> ({}): {}</li>", rows))


RULE_FIELDS = (
    "reads_as",
    ("code", "kind"),
    "title",
    "tools",
    "when",
    "condition",
    ("otherwise", "message"),
    ("position", "is_active"),
)
LIMIT_FIELDS = ("reads_as", ("code", "scope", "window_days"), "title", "tools", ("amount", "count"), ("otherwise", "is_active"))


class Readable:
    """A row that says itself as a sentence."""

    @shown("Reads as")
    def reads_as(self, row: Rule | Limit) -> str:
        """The sentence of what is stored."""
        return row.sentence if row.pk else "Save to see it as a sentence."


class RuleInline(Readable, TenantStackedInline):
    """The policy's rules."""

    model = Rule
    form = TenantRuleForm
    fields = RULE_FIELDS
    readonly_fields = ("reads_as",)
    show_change_link = True
    collapsible = True
    tab = True


class LimitInline(Readable, TenantStackedInline):
    """The policy's limits."""

    model = Limit
    form = TenantLimitForm
    fields = LIMIT_FIELDS
    readonly_fields = ("reads_as",)
    show_change_link = True
    collapsible = True
    tab = True


class PublishingAdmin(HistoryAdmin):
    """A draft that becomes a frozen version: from its own page by one button, or for several from the list."""

    actions = ("publish",)
    actions_submit_line = (PUBLISH_BUTTON,)

    def freeze(self, request: HttpRequest, row: Any) -> Any:
        """The version the draft became."""
        raise NotImplementedError

    def has_publish_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the teammate may publish."""
        return may(member_of(request), "policy.publish")

    @act("Publish", permission="publish", of="policy.publish")
    def publish(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Publish each chosen draft."""
        for row in queryset:
            self._publish(request, row)

    @act("Save and publish", permission="publish", of="policy.publish")
    def publish_after_saving(self, request: HttpRequest, obj: Any) -> None:
        """The button of the draft's page; publishing waits until its rules are saved too."""

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """After saving: publish, if that button was pressed, and stay on the page."""
        if self._has_button(request):
            self._publish(request, obj)
            return HttpResponseRedirect(request.path)
        response: HttpResponse = super().response_change(request, obj)
        return response

    def _has_button(self, request: HttpRequest) -> bool:
        opts = self.model._meta
        return f"{opts.app_label}_{opts.model_name}_{PUBLISH_BUTTON}" in request.POST and self.has_publish_permission(request)

    def _publish(self, request: HttpRequest, row: Any) -> None:
        newest = row.versions.aggregate(n=Max("number"))["n"] or 0
        try:
            version = self.freeze(request, row)
        except ValidationError as error:
            self.message_user(request, f"{row} was not published. {' '.join(error.messages)}", messages.ERROR)
            return
        if version.number == newest:
            self.message_user(request, f"{version} is what is published already: nothing changed since.", messages.INFO)
        else:
            self.message_user(request, f"Published as {version}.", messages.SUCCESS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The drafts with the number of their newest version: no query per row."""
        drafts: QuerySet[Any] = super().get_queryset(request).annotate(newest_version=Max("versions__number"))
        return drafts

    @shown("Published", ordering="newest_version", label={"never": "warning"})
    def published(self, row: Any) -> str:
        """The newest version."""
        return f"v{row.newest_version}" if row.newest_version else "never"


@admin.register(Prompt)
class PromptAdmin(PublishingAdmin):
    """What the agent is told."""

    list_display = ("name", "key", "published")
    search_fields = ("name", "key")
    fields = (("name", "key"), "body")

    def freeze(self, request: HttpRequest, row: Prompt) -> PromptVersion:
        """Publish the prompt."""
        return publish_prompt(row, by=self.actor(request), name=str(request.user))


@admin.register(Policy)
class PolicyAdmin(PublishingAdmin):
    """What the agent may do, as a set of rules and limits."""

    asks_again = True
    list_display = ("name", "key", "published", "description")
    search_fields = ("name", "key")
    fields = (("name", "key"), "description")
    inlines = (RuleInline, LimitInline)

    def freeze(self, request: HttpRequest, row: Policy) -> PolicyVersion:
        """Publish the policy with its active rules and limits."""
        return publish_policy(row, by=self.actor(request), name=str(request.user))


@admin.register(Rule)
class RuleAdmin(Readable, HistoryAdmin):
    """One rule, with its history."""

    asks_again = True
    form = TenantRuleForm
    words_of_change = WordsOfPolicy
    list_display = ("code", "reads_as", "kind", "policy", "is_active")
    list_display_links = ("code", "reads_as")
    list_filter = ("policy", "kind", "is_active")
    list_select_related = ("policy",)
    search_fields = ("code", "title")
    ordering = ("policy", "position", "id")
    readonly_fields = ("reads_as",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The rule, and under it the facts it may name."""
        return ((None, {"fields": ("policy", *RULE_FIELDS)}), ("Facts you can use", {"fields": (), "description": fact_list()}))


@admin.register(Limit)
class LimitAdmin(Readable, HistoryAdmin):
    """One limit, with its history."""

    asks_again = True
    form = TenantLimitForm
    words_of_change = WordsOfPolicy
    list_display = ("code", "reads_as", "policy", "is_active")
    list_display_links = ("code", "reads_as")
    list_filter = ("policy", "is_active")
    list_select_related = ("policy",)
    search_fields = ("code", "title")
    ordering = ("policy", "code")
    readonly_fields = ("reads_as",)
    fields = ("policy", *LIMIT_FIELDS)


class VersionAdmin(ReadOnlyAdmin):
    """What was published, as it was."""

    list_display = ("__str__", "published_at", "published_by", "short_hash")
    list_filter = ("published_by",)
    ordering = ("-id",)

    @shown("Hash")
    def short_hash(self, version: PromptVersion | PolicyVersion) -> str:
        """The beginning of the hash runs cite."""
        return version.hash[:12]

    @shown("Still what was published", boolean=True)
    def is_whole(self, version: PromptVersion | PolicyVersion) -> bool:
        """Whether the content still has the hash it was published with."""
        return digest(version.content) == version.hash


@admin.register(PromptVersion)
class PromptVersionAdmin(VersionAdmin):
    """A prompt as it was published."""

    list_select_related = ("prompt",)
    fields = (("prompt", "number"), ("published_at", "published_by"), "text", "hash", "is_whole")
    readonly_fields = ("text", "is_whole")

    @shown("Prompt")
    def text(self, version: PromptVersion) -> SafeString:
        """The words, with their line breaks."""
        return format_html('<div class="whitespace-pre-wrap">{}</div>', version.content.get("body", ""))


@admin.register(PolicyVersion)
class PolicyVersionAdmin(VersionAdmin):
    """A policy as it was published."""

    list_select_related = ("policy",)
    fields = (("policy", "number"), ("published_at", "published_by"), "sentences", "content", "hash", "is_whole")
    readonly_fields = ("sentences", "is_whole")

    @shown("Rules and limits")
    def sentences(self, version: PolicyVersion) -> SafeString:
        """Each rule and limit in words."""
        said = [(rule.code, words.sentence(rule)) for rule in version.rules()]
        said += [(limit.code, words.limit_sentence(limit)) for limit in version.limits()]
        return format_html("<ul>{}</ul>", format_html_join("", "<li><strong>{}</strong> {}</li>", said)) if said else SafeString("None.")
