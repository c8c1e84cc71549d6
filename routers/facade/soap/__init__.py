"""What a call is about: its operation and key, found in the message or the path, and faults of our own. No I/O."""
