"""What is known of a call afterwards: counters, decision records, spans, and calls in flight."""
