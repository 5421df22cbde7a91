"""The exact method: arrays in, spends and their certificate out. It knows nothing of channels, models or settings."""

from mmm_bayes.allocate.solver.knapsack import solve
from mmm_bayes.allocate.solver.many import solve_many, solve_on_grid
from mmm_bayes.allocate.solver.problem import Feasible, Problem, Solution
from mmm_bayes.allocate.solver.totals import Conflict, smallest_change
from mmm_bayes.allocate.solver.tree import Node, build_tree, round_spend

__all__ = [
    "Conflict",
    "Feasible",
    "Node",
    "Problem",
    "Solution",
    "build_tree",
    "round_spend",
    "smallest_change",
    "solve",
    "solve_many",
    "solve_on_grid",
]
