"""A local, durable Apache Kafka on this machine's Java: for tests, for first steps, for a demo that lasts."""

from hub.local_kafka.cluster import LocalKafka, Status

__all__ = ["LocalKafka", "Status"]
