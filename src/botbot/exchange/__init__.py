"""Characters in and out: foreign formats and our own, read from files nobody vouches for, and written losslessly."""
