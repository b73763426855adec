"""Seeing what happens: figures, trails from web to worker to bot, traces and error reports. Knows nothing of ours."""
