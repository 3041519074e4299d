"""Files in: the reader that all imports share, and the imports of rules. Layers are in geo."""
