"""Tables first, then templates and figures."""
