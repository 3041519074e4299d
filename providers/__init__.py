"""One file per provider: how we send through it and how we understand what it answers."""
