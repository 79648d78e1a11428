"""Running a stream: runner, pacing, signals, standard streams."""
