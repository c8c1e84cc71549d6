"""Speak Kafka: envelope, topics, pipeline, log, dead letters and the subscriber kit."""
