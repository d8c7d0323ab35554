"""One leave-one-subject-out fold of a shipped config, with our scan and with slower ones."""
