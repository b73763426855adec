"""The shop window: pages and the detail endpoint, which show what several rooms know of one personality. Owns no
tables and writes nothing."""
