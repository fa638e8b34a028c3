"""Where finished runs and their models are kept for others to find: the port, and the MLflow adapter."""
