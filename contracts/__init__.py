"""What all parts agree on: ports, errors, identifiers, keys and event models. Imports nothing of ours."""
