"""Tables and statements, one module per part of the flow."""
