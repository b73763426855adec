"""A personality living in one guild: its prompt, its state, what was said lately."""
