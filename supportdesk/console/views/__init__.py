"""The console's views: thin, each behind `allowed`, each a page or a fragment of one."""
