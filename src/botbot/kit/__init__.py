"""Small libraries that know nothing of us."""
