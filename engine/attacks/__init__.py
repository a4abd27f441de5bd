"""One function per attack, in NumPy; a higher score always means "more likely a member"."""
