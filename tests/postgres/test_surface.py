"""The walk and the sweeps again, on a real server as the app role: behind the walls as production has them."""

import pytest

from tests.surface.conftest import _quiet  # noqa: F401
from tests.surface.test_bodies import (  # noqa: F401
    ours,
    test_a_foreign_id_in_a_body_writes_nothing,
    test_a_foreign_id_in_a_form_writes_nothing,
    test_a_foreign_id_in_an_admin_form_writes_nothing,
    test_a_mixed_list_of_rows_is_acted_on_whole_or_not_at_all,
    theirs,
)
from tests.surface.test_non_interference import test_a_few_rows_of_another_workspace_change_nothing_we_read  # noqa: F401
from tests.surface.test_walk import (  # noqa: F401
    stage,
    test_a_row_of_a_queue_out_of_sight_is_told_like_none,
    test_another_workspaces_row_is_told_like_none_in_the_api,
    test_another_workspaces_row_is_told_like_none_on_pages,
    test_another_workspaces_row_is_told_like_none_to_an_owner_in_the_admin,
    test_the_permission_table_decides_at_every_address,
)

pytestmark = pytest.mark.slow
