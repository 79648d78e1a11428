"""The running of a stream: runner, pacing, signals, standard streams."""
