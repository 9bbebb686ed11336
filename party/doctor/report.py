"""All findings of one examination, as an object for programs.

Pure core.
"""

from dataclasses import dataclass
from typing import Any

from party.doctor.advice import advice, host_summary, rung_of, summary
from party.doctor.findings import Check, Finding, Outcome, ways_in


@dataclass(frozen=True, slots=True)
class Report:
    """What was found."""

    url: str | None
    """The server's address; None where this machine was examined as a host."""
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether one can get in; of a host, whether nothing keeps it from serving."""
        if self.url is None:
            return all(finding.outcome is not Outcome.FAILS for finding in self.findings)
        return bool(ways_in(self.findings))

    @property
    def words(self) -> str:
        """The whole in a sentence."""
        return host_summary(self.findings) if self.url is None else summary(self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: its keys are part of the command's contract."""
        told: dict[str, Any] = {"url": self.url, "summary": self.words}
        if self.url is None:
            told["can_serve"] = self.healthy
        else:
            ways = ways_in(self.findings)
            told["can_get_in"] = self.healthy
            told["best"] = rung_of(ways[0]) if ways else None
            told["nat"] = next((found.facts.get("kind") for found in self.findings if found.check is Check.NAT), None)
        told["checks"] = [_check(finding) for finding in self.findings]
        told["advice"] = [{"check": str(finding.check), "words": words} for finding, words in advice(self.findings)]
        return told


def _check(finding: Finding) -> dict[str, Any]:
    rtt_ms = None if finding.rtt_ms is None else round(finding.rtt_ms, 2)
    told: dict[str, Any] = {"check": str(finding.check), "outcome": str(finding.outcome), "rtt_ms": rtt_ms}
    optional = {"code": finding.code, "detail": finding.detail, "facts": finding.facts}
    return told | {key: value for key, value in optional.items() if value}
