"""How each peer of the façade is configured, and the one that is a program."""
