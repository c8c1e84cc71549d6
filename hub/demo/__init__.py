"""What `banyan demo` runs: a legacy registry, and what replaces it."""
