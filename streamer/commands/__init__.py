"""Commands, one module each, named as the command and independent of typer."""
