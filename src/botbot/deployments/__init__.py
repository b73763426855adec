"""The saga that turns a personality into an agent in a server, and can undo itself."""
