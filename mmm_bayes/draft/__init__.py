"""A first configuration from a look at the files: it runs as it is, and asks what nobody can see."""

from mmm_bayes.draft.draft import Draft, draft
from mmm_bayes.draft.templates import template
from mmm_bayes.draft.write import write_draft, write_template

__all__ = ["Draft", "draft", "template", "write_draft", "write_template"]
