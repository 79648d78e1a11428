"""Tests of derived meters."""
