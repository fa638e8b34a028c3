"""Who may start now? A pure decision over what waits and what holds; docs/queue.md says by which rules."""

from runners.admission.claims import NO_LIMITS, Claim, Decision, Rules, Totals
from runners.admission.decision import decide

__all__ = ["NO_LIMITS", "Claim", "Decision", "Rules", "Totals", "decide"]
