"""The AI colleague, and the immutable bundles that say how it behaves."""

from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from agents.knowledge.models import Snapshot
from policies.models import Policy, PolicyVersion, Prompt, PromptVersion
from supportdesk.core.grants import Grant, granted_to
from supportdesk.core.models import Brand, Environment, Membership
from supportdesk.core.tenancy import TenantModel
from tickets.models import Ticket


class Agent(TenantModel):
    """The AI colleague of one brand."""

    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="agents")
    prompt = models.ForeignKey(Prompt, on_delete=models.PROTECT, related_name="agents")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="agents")
    tools = models.JSONField(default=list, help_text="Names of the tools it may want.")
    model_chain = models.JSONField(default=list, help_text="Tried left to right; empty: the installation's MODEL_CHAIN.")
    is_active = models.BooleanField(default=True)
    is_private = models.BooleanField(
        default=False, help_text="Only people with a grant see how it is set up, its releases and its traces, whatever their role."
    )
    history = HistoricalRecords()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["brand"], name="agent_once_per_brand")]

    def __str__(self) -> str:
        return self.brand.agent_name


class AgentGrant(Grant):
    """A single teammate let into one private agent."""

    content_object = models.ForeignKey(Agent, on_delete=models.CASCADE)


def hidden_agents(member: Membership | None) -> models.QuerySet[Agent]:
    """The private agents a teammate has no grant for; for nobody in particular every private one."""
    private = Agent.objects.filter(is_private=True)
    return private.exclude(pk__in=granted_to(AgentGrant, member)) if member else private


class Release(TenantModel):
    """Prompt, policy, tools, model chain, retrieval settings and knowledge, frozen together; runs cite it."""

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="releases")
    number = models.PositiveIntegerField()
    prompt_version = models.ForeignKey(PromptVersion, on_delete=models.PROTECT, related_name="releases")
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="releases")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="releases")
    tools = models.JSONField()
    model_chain = models.JSONField()
    retrieval = models.JSONField(default=dict)
    hash = models.CharField(max_length=64)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "number"], name="release_number_once")]

    def __str__(self) -> str:
        return f"r{self.number}"


class Label(TenantModel):
    """What a release is right now: live for one agent in one environment. Moving it is the release and the rollback."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="labels")
    environment = models.CharField(max_length=4, choices=Environment.choices, default=Environment.LIVE)
    name = models.CharField(max_length=10, default="live")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="labels")
    previous = models.ForeignKey(Release, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    moved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "environment", "name"], name="label_once")]

    def __str__(self) -> str:
        return f"{self.name}: {self.release}"


class Pin(TenantModel):
    """The release a ticket began with and stays with."""

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="pin")
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="pins")

    def __str__(self) -> str:
        return f"ticket {self.ticket_id} on {self.release}"
