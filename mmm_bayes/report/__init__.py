"""What was found, for an analyst and for their boss: facts, then words and tables, figures and pages."""
