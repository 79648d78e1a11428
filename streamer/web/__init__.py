"""HTTP server with bounds, and checks of who may use it; shared by feeds and publishers."""
