"""What an analyst takes away: a file per program, each read back in tests by that program's own."""
