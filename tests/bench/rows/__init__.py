"""One module per row of the targets table."""
