"""The strangler façade: an HTTP/1.1 reverse proxy that decides, per person, which side answers a call.

One parent listens, supervises and talks to Kafka; its workers share the sockets and serve.
"""
