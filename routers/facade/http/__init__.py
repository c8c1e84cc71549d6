"""HTTP/1.1 as octets: heads, field lines, chunks, and what an intermediary adds and removes. No I/O."""
