"""Networks: architecture, cells, the model and its file, sampling."""
