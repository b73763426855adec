"""The gateway: Discord's WebSocket, with sessions that can be resumed. Source: Discord docs, events/gateway."""
