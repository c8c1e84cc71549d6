"""The data plane: from a caller's connection to the side that answers, and back."""
