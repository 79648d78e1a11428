"""Bounds of models that are read from files."""

MAX_LAYERS = 8
"""Maximum number of LSTM layers."""

MAX_INPUTS = 64
"""Maximum number of values per reading."""

MAX_UNITS = 1024
"""Maximum number of units of a layer: twenty times those of the shipped model's first."""

MAX_OUTPUTS = 101
"""Maximum number of outputs: the mean, and every hundredth quantile."""

MAX_HIDDEN_LAYERS = 2
"""Maximum number of hidden layers of the head for the next minutes: so few of them, with weights
of at most `MAX_WEIGHT`, cannot exceed the range of 32-bit floats."""

MAX_HORIZONS = 60
"""Maximum number of horizons of that head."""

MAX_HORIZON_MINUTES = 60
"""Longest of them in minutes."""

MAX_HORIZON_OUTPUTS = 4 * MAX_HORIZONS
"""Maximum number of its outputs: mean and three quantiles for each horizon."""

MAX_WINDOW = 1440
"""Maximum number of readings in a window: a day."""

MAX_WEIGHT = 1e6
"""Maximum magnitude of a weight: far beyond any trained one, and harmless to the arithmetic."""

MAX_SHIFT_KW = 1e6
"""Maximum magnitude of the centring shift in kW."""

MAX_WEIGHTS = 8_000_000
"""Maximum number of weights: a hundred times those of the shipped model."""

MAX_MODEL_BYTES = 160 << 20
"""Maximum size of a `.keras` file: four numbers for each weight, as optimizers keep."""

MAX_JSON_BYTES = 1 << 20
"""Maximum size of a card, or of a model's configuration."""

MAX_JSON_DEPTH = 32
"""Maximum depth of objects and arrays in them."""
