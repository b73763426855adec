"""Is it well: what the public status page says, and how fast pages were for those who looked at them."""
