"""Ratings and written reviews; keeps a personality's average true."""
