"""First versions of what an integration engineer writes: adapters with their tests, and models of messages."""
