"""The web page: ask, watch the plan live, read the answer. One static file, no framework, nothing from elsewhere."""
