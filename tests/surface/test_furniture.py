"""What the walk and the sweeps stand on: nothing that belongs to a tenant is missing from the furnished workspace."""

from tests.factories import World
from tests.surface.furniture import furnish, tenant_models


def test_every_kind_of_row_is_furnished(acme: World):
    rows = furnish(acme).rows
    missing = sorted(model._meta.label for model in tenant_models() if model not in rows)
    assert not missing, f"give tests/surface/furniture.py one row of {', '.join(missing)}"
