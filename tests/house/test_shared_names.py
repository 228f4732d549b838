"""What tenants share is named in one place: no module writes a key of the cache or the name of a group by hand."""

import ast

import pytest

from tests.house.test_code_style import modules
from tests.house.tracked import ROOT

# The cache itself, the one module that names its keys, and the command that reads them all to find one twin's words at the other.
MAY_CACHE = {"supportdesk/core/shared.py", "supportdesk/core/cache.py", "supportdesk/demo/management/commands/verify_twins.py"}
GROUPS = {"tenant_group", "ticket_group"}


def strays(source: str, path: str) -> list[str]:
    """Bare uses of the cache, and groups whose name does not come from the tail's two functions."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module="django.core.cache") | ast.Import(names=[ast.alias(name="django.core.cache")]):
                if path not in MAY_CACHE:
                    found.append(f"{path}:{node.lineno} uses the cache without supportdesk.core.shared")
            case ast.Call(func=ast.Attribute(attr="group_add" | "group_send"), args=[name, *_]) if not _is_named(name):
                found.append(f"{path}:{node.lineno} names a group by hand")
    return found


def _is_named(name: ast.expr) -> bool:
    match name:
        case ast.Call(func=ast.Name(id=called)):
            return called in GROUPS
        case ast.Name(id="group") | ast.Attribute(attr="_group"):
            return True
    return False


@pytest.mark.reliability(6, "cache keys", "channel groups", "rate limits")
def test_no_module_names_shared_keys_by_hand() -> None:
    # The bars' reference has one tenant and a group of its own.
    ours = [path for path in modules() if "bench" not in path.parts]
    found = [line for path in ours for line in strays(path.read_text(), str(path.relative_to(ROOT)))]
    assert found == []


@pytest.mark.parametrize(
    "source",
    ["from django.core.cache import cache", "import django.core.cache", "layer.group_add('news', name)", "layer.group_send(f't-{pk}', {})"],
)
def test_a_key_by_hand_is_found(source: str) -> None:
    assert len(strays(source, "supportdesk/x.py")) == 1
