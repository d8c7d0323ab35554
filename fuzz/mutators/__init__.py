"""Ways to damage an input, each a pure function of the content and a generator."""
