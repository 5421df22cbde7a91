"""A first configuration from a look at the files: it runs as it is, and asks what nobody can see."""

from mmm_bayes.draft.draft import Draft, draft, name_of, require_free, save
from mmm_bayes.draft.templates import template

__all__ = ["Draft", "draft", "name_of", "require_free", "save", "template"]
