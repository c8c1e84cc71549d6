"""SOAP as pure code without I/O: replies as a stream of items, and faults of every shape that stacks send."""
