"""Signing in and installing. Source: Discord docs, topics/oauth2; the PKCE rules as observed."""
