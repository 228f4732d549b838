"""Django admin with the workspace's site as its only one."""

from django.contrib.admin.apps import AdminConfig


class WorkspaceAdminConfig(AdminConfig):
    """Django's own, with our site."""

    default_site = "supportdesk.core.admin_site.WorkspaceSite"
