"""Who answers: the decision per person, and what carries it out on every channel."""
