"""A Discord small enough for a laptop: real HTTP, a real gateway, the documented protocol, and nothing of us.

Start it with `botbot sandbox`, or let `botbot serve --sandbox` start it; see `server.Sandbox`."""
