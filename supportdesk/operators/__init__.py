"""The platform operators' own site: workspaces, accounts, jobs and chains of the whole installation, and no content of any workspace."""
