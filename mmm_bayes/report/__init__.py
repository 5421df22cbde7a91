"""Tables first, then templates and figures: what was found, for an analyst and for their boss."""
