"""Personalities: what they are, how they are shelved, found and sorted."""
