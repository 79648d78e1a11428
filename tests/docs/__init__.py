"""Tests of the documentation: complete, without dead links, and every block of code runs."""
