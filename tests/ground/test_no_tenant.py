"""Without a tenant there is an error or nothing: never a job, a command or a query that means everybody."""

import ast
import inspect
import io
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command, get_commands
from django.db import IntegrityError
from django.utils.module_loading import import_string
from django_scopes.exceptions import ScopeError

from supportdesk.core import jobs
from supportdesk.core.models import Job
from supportdesk.core.signals import has_walls
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_ticket
from tests.ground.unscoped import Unscoped, only_scoped
from tickets.models import Ticket

OURS = {config.name for config in apps.get_app_configs() if config.name.split(".")[0] in ("supportdesk", "tickets", "policies", "agents")}
# Commands that enter each tenant they work for, with arguments they can be run with here.
RUN: dict[str, tuple[str, ...]] = {
    "verify_audit": (),
    "worker": ("--once",),
    "rotate_secrets": (),
    "create_workspace": ("third", "Third", "--owner", "dora@third.example", "--password", "a long enough one"),
    "reapply_erasures": (),
    "make_key": ("--tenant", "acme", "--name", "shop", "--scopes", "ticket.see"),
}
# Commands that touch no tenant's row themselves: they start or drive processes, or look at the database's catalogue.
TOUCHES_NONE = {"bench", "database_roles", "permissions_page", "relay", "serve", "smoke"}
# Commands that read across tenants on purpose, as the system role, and may not write; with where that is tested.
ACROSS = {
    "check_invariants": "tests/agents/test_invariants.py",
    "seed_demo": "builds its own workspace",
    "verify_twins": "reads two demo workspaces, each while acting for it",
}


def args_of(run: Callable[..., Any]) -> dict[str, Any]:
    """Something for every argument of a job that has no default."""
    wanted = [each for each in inspect.signature(run).parameters.values() if each.default is each.empty]
    return {each.name: 1 for each in wanted if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)}


def asks_around_its_scope() -> None:
    Ticket._base_manager.get(pk=1)


def asks_without_scope() -> None:
    Ticket.objects.get(pk=1)


def runs_for_nobody(run: Callable[..., Any]) -> str:
    """What becomes of a job's function that is called outside every tenant: the name of the error, or `nothing`."""
    try:
        with only_scoped():
            run(**args_of(run))
    except Exception as error:
        return type(error).__name__
    return "nothing"


@pytest.mark.reliability(3, "jobs")
@pytest.mark.parametrize("name", sorted(jobs.registered()))
def test_a_job_without_a_tenant_is_an_error(db: None, name: str) -> None:
    handler = jobs.registered()[name]
    assert runs_for_nobody(import_string(handler.run)) == "ScopeError"
    if handler.on_dead:
        assert runs_for_nobody(import_string(handler.on_dead)) == "ScopeError"


@pytest.mark.reliability(3, "jobs")
def test_an_unscoped_query_in_a_job_is_found(db: None) -> None:
    assert runs_for_nobody(asks_without_scope) == "ScopeError"
    assert runs_for_nobody(asks_around_its_scope) == "Unscoped"


@pytest.mark.reliability(3, "jobs")
def test_nobody_leaves_a_job_for_nobody(db: None, acme: World) -> None:
    name = next(iter(jobs.registered()))
    with pytest.raises(ScopeError):
        jobs.enqueue(name)
    with pytest.raises(IntegrityError):
        Job.objects.create(name=name)


def test_the_catcher_lets_scoped_statements_pass(acme: World) -> None:
    with acting_for(acme.tenant), only_scoped():
        assert make_ticket(acme).pk
    with pytest.raises(Unscoped), only_scoped():
        Ticket._base_manager.exists()


def our_commands() -> list[str]:
    return sorted(name for name, app in get_commands().items() if app in OURS)


@pytest.mark.reliability(3, "commands")
def test_every_command_says_how_it_stands_to_tenants() -> None:
    known = RUN.keys() | TOUCHES_NONE | ACROSS.keys()
    assert set(our_commands()) <= known, "Add the command to RUN, TOUCHES_NONE or ACROSS in this file."


@pytest.mark.reliability(3, "commands")
@pytest.mark.parametrize("name", sorted(RUN))
def test_a_command_enters_the_tenants_it_works_for(db: None, acme: World, globex: World, name: str) -> None:
    with acting_for(acme.tenant):
        make_ticket(acme)
    with only_scoped():
        call_command(name, *RUN[name], stdout=io.StringIO())


@pytest.mark.reliability(3, "commands")
@pytest.mark.parametrize("name", sorted(TOUCHES_NONE & set(our_commands())))
def test_a_command_of_processes_knows_no_tenants_rows(name: str) -> None:
    module = import_module(f"{get_commands()[name]}.management.commands.{name}")
    tree = ast.parse(inspect.getsource(module))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert not imported & {model.__name__ for model in apps.get_models() if has_walls(model)}


@pytest.mark.reliability(3, "commands")
def test_a_command_for_a_workspace_nobody_has_does_nothing(db: None) -> None:
    with pytest.raises(CommandError), only_scoped():
        call_command("make_key", "--tenant", "nobody", "--name", "shop", "--scopes", "ticket.see")
