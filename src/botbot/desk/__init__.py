"""The moderation desk: what was reported or flagged, what moderators decided about it, and who is told."""
