"""Expected deliveries: on which days, in which window, how large, and what is told when one is missing or late."""
