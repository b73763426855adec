"""What a visitor sees of the sandbox: its servers, and who says what in them.

Plain HTML; a small script makes it live."""
