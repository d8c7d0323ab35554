"""Small valid files of the project's own making, written by the program's own writers."""
