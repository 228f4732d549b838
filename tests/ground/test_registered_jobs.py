"""Every job an app registers names functions that exist, in a process that imports no more than it must."""

from django.utils.module_loading import import_string

from supportdesk.core.jobs import registered


def test_every_registered_job_names_functions_that_exist():
    for name, handler in registered().items():
        for path in filter(None, (handler.run, handler.on_dead)):
            assert callable(import_string(path)), name
