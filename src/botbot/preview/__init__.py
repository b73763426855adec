"""The try-it chat: prompt, streaming, cached sample replies, quotas. It stores nothing that was said."""
