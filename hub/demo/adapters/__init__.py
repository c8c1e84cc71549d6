"""The adapter files of the demo."""
