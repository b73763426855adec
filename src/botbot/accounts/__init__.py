"""Who is here: Discord sign-in, users, sessions, roles, API tokens."""
