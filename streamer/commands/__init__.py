"""Commands: one module for each, of the same name, free of the command line's library."""
