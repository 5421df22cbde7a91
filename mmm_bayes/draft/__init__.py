"""A first configuration from mmm_bayes.draft.draft import Draft, draft
from mmm_bayes.draft.templates import template
from mmm_bayes.draft.write import write_draft, write_template

__all__ = ["Draft", "draft", "template", "write_draft", "write_template"]
