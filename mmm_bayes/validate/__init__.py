"""Whether a configuration can be trusted with data like its own: known truths, placebos, other weeks, other priors.

Subject(config, panel, posterior) and names of `checks.CHECKS` go into `run.validate`, a `files.Validation` comes out.
"""
