"""The configuration of a run: frozen, validated, and every mistake named with its remedy.

One class per section of the YAML file; ``config/reference.yaml`` shows each key with its default.
"""

from mmm_bayes.config.allocation import Allocate, Group, Limits
from mmm_bayes.config.data import (
    PanelColumns,
    PanelSource,
    ReachFrequency,
    Simulate,
    SimulatedChannel,
    SimulatedFactor,
    SpendFile,
)
from mmm_bayes.config.document import as_yaml
from mmm_bayes.config.external import Event, ExternalFile
from mmm_bayes.config.file import TableFile, files_of, is_address
from mmm_bayes.config.holidays import unknown_countries
from mmm_bayes.config.load import LANGUAGES, Config, load_config, load_what_is_right, make_config, override
from mmm_bayes.config.model import Compare, LiftTest, Model, Sampler
from mmm_bayes.config.prior import ChannelPriors, Prior, PriorLike
from mmm_bayes.config.section import as_number, in_words
from mmm_bayes.config.source import SourceTable
from mmm_bayes.config.transactions import ProductCosts, TransactionColumns, Transactions

__all__ = [
    "LANGUAGES",
    "Allocate",
    "ChannelPriors",
    "Compare",
    "Config",
    "Event",
    "ExternalFile",
    "Group",
    "LiftTest",
    "Limits",
    "Model",
    "PanelColumns",
    "PanelSource",
    "Prior",
    "PriorLike",
    "ProductCosts",
    "ReachFrequency",
    "Sampler",
    "Simulate",
    "SimulatedChannel",
    "SimulatedFactor",
    "SourceTable",
    "SpendFile",
    "TableFile",
    "TransactionColumns",
    "Transactions",
    "as_number",
    "as_yaml",
    "files_of",
    "in_words",
    "is_address",
    "load_config",
    "load_what_is_right",
    "make_config",
    "override",
    "unknown_countries",
]
