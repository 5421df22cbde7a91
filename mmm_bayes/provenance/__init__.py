"""The record of a run: who wrote which file from what, whether that still holds, and files that change all at once."""

from mmm_bayes.provenance.manifest import Change, Manifest, load_manifest
from mmm_bayes.provenance.steps import KEPT, PANEL, STEPS, Step
from mmm_bayes.provenance.swap import Work, held, snapshot, step

__all__ = ["KEPT", "PANEL", "STEPS", "Change", "Manifest", "Step", "Work", "held", "load_manifest", "snapshot", "step"]
