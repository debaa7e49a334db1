"""Receipts and heads in the database of intake."""
