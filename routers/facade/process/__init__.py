"""One parent and its workers: sockets, supervision, rulesets, and the way of records to Kafka."""
