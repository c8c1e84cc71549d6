"""Sample messages: valid XML for any part of a contract, the same for the same seed."""
