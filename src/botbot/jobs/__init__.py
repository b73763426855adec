"""Durable work: rows claimed and run, inside this process or in a worker; the outbox, and the signal that wakes."""
