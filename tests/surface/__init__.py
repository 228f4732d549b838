"""The whole surface, found by introspection: every address, operation, socket, admin page and job, tried by everybody at everything."""
