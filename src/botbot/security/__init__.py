"""Guards, cross-site checks, content security policy, limits, and the one translation of errors into HTTP."""
