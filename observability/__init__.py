"""What can be seen: names of spans, metrics and log fields, and their set-up."""
