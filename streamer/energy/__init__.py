"""Energy at the grid connection: quarter-hours, and the demand peaks of the months."""
