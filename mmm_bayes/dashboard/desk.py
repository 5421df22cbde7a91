"""`Desk`: the draft that a visitor is writing, and what the widgets of the planner do to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from mmm_bayes.allocate import Draft, Plan, draft_of_plan, draft_of_today, over_window
from mmm_bayes.curves import arm_of
from mmm_bayes.dashboard.runs import Run
from mmm_bayes.errors import AllocationError
from mmm_bayes.findings import Finding


@dataclass(frozen=True)
class Desk:
    """What a visitor does with the budget of one run.

    Attributes:
        run: whose budget.
    """

    run: Run

    def key(self, what: str, *parts: str) -> str:
        """Return the name of a widget, or of what is remembered, of this run."""
        return " | ".join((self.run.name, what, *parts))

    @property
    def draft(self) -> Draft:
        """The draft, today's spend at first; it begins anew where the run has other channels now."""
        curves = self.run.curves(self.run.weeks)
        kept: Draft | None = st.session_state.get(self.key("draft"))
        if kept is None or tuple(kept.spend) != curves.channels:
            kept = draft_of_today(curves)
            self.put(kept)
        return kept

    def put(self, draft: Draft, notes: Sequence[Finding] = ()) -> None:
        """Lay a draft on the desk, with what is to be known of it."""
        st.session_state[self.key("draft")] = draft
        st.session_state[self.key("notes")] = (tuple(notes), "")

    @property
    def notes(self) -> tuple[tuple[Finding, ...], str]:
        """What is to be known of the draft, and why the last change was not made."""
        return st.session_state.get(self.key("notes"), ((), ""))

    def places(self, geo: str | None) -> Mapping[str, list[int]]:
        """Return the places of the arms that each channel has, in one geo or in all."""
        channels = self.run.content.channels
        found: dict[str, list[int]] = {}
        for place, arm in enumerate(self.draft.spend):
            if geo is None or arm == arm_of(channels[arm], geo):
                found.setdefault(channels[arm], []).append(place)
        return found

    # --- fields ---------------------------------------------------------------------------------

    def field(self, name: str, value: Any, act: Callable[[Any], None]) -> dict[str, Any]:
        """Return what makes a field show a value of the draft and hand on what a visitor makes of it.

        A field whose value is changed by anything but itself gets a new number, and with it a new key. Under its old
        one a browser that has not heard of the change yet would send the old value back, and it would be taken for the
        visitor's.

        Args:
            name: of the field.
            value: what it is to show.
            act: what is done with another value.
        """
        fields = st.session_state.setdefault(self.key("fields"), {})
        number, shown = fields.get(name, (0, value))
        fields[name] = number, value = number + (shown != value), value
        key = self.key("field", name, str(number))
        return {"key": key, "value": value, "on_change": self._changed, "args": (name, number, key, act)}

    def _changed(self, name: str, number: int, key: str, act: Callable[[Any], None]) -> None:
        """Hand on what a visitor made of a field, not what a browser that lags behind says of a former one."""
        fields, value = st.session_state[self.key("fields")], st.session_state[key]
        if fields[name][0] == number and fields[name][1] != value:
            fields[name] = number, value
            act(value)

    # --- what widgets do ------------------------------------------------------------------------

    def attempt(self, change: Callable[[], Draft | Plan]) -> None:
        """Make a change, or say why it cannot be made and leave the draft as it is."""
        before = self.draft
        try:
            found = change()
            notes = found.notes if isinstance(found, Plan) else ()
            draft = replace(before, spend=draft_of_plan(found).spend) if isinstance(found, Plan) else found
            self.run.judge(draft)
        except AllocationError as error:
            st.session_state[self.key("notes")] = ((), str(error))
            return
        self.put(draft, notes)

    def to_window(self, weeks: int) -> None:
        """Plan for so many weeks."""
        draft = self.draft
        self.attempt(lambda: over_window(draft, self.run.curves(draft.weeks), self.run.curves(int(weeks))))

    def to_total(self, total: float) -> None:
        """Spend so much in all."""
        self.attempt(lambda: self.draft.with_total(total))

    def to_spend(self, arms: Sequence[str], amount: float) -> None:
        """Spend so much on some arms."""
        self.attempt(lambda: self.draft.with_spend(arms, amount))

    def lock(self, arms: Sequence[str], locked: bool) -> None:
        """Lock or free some arms."""
        draft = self.draft
        self.put(replace(draft, locked=draft.locked | set(arms) if locked else draft.locked - set(arms)))

    def limit(self, name: str, end: int, amount: float | None) -> None:
        """Limit an arm, or a channel over its geos: the least (end 0) or the most (end 1) that it may get."""
        draft = self.draft
        low, high = draft.limits.get(name, (None, None))
        given = (amount, high) if end == 0 else (low, amount)
        others = {other: limits for other, limits in draft.limits.items() if other != name}
        self.put(replace(draft, limits=others if given == (None, None) else {**others, name: given}))

    def from_today(self) -> None:
        """Begin with today's spend."""
        self.put(draft_of_today(self.run.curves(self.draft.weeks)))

    def from_best(self) -> None:
        """Begin with the plan that `allocate` finds for this window."""
        weeks = self.draft.weeks
        self.from_today()
        self.attempt(lambda: self.run.best(weeks))

    def optimise(self) -> None:
        """Put the money where it does best, within locks and limits."""
        self.attempt(lambda: self.run.optimised(self.draft))
