"""Control `restore-time-meets-objective`."""

from backup_auditor.domain.control import Control, Family, Framework
from backup_auditor.domain.evaluation.index import IndexContext
from backup_auditor.domain.evaluation.restore_proofs import build_drill_evidence, require_drills, require_earlier_audit
from backup_auditor.domain.finding import (
    InsufficientDataError,
    Severity,
    Verdict,
    decide,
    non_compliant,
    not_applicable,
)
from backup_auditor.domain.timefmt import format_lengths, to_seconds


def _evaluate(subject: IndexContext) -> Verdict:
    limit = subject.requirements.recovery.max_restore_time
    if limit is None:
        return not_applicable("The policy sets no maximum restore time.")
    drills = require_drills(subject)
    latest_drill = drills[0] if drills else None
    evidence = {"max_restore_seconds": to_seconds(limit), "last_drill": build_drill_evidence(latest_drill)}
    if latest_drill is None:
        require_earlier_audit(subject, evidence)
        subject.backups.require_live_id()
        return not_applicable("No restore drill of the index is recorded.", evidence)
    least_time = latest_drill.least_restore_time
    if latest_drill.restore_time is None and least_time is not None and least_time >= limit:
        time_text, limit_text = format_lengths(least_time, limit)
        reason = f"The restore of the last drill took longer than {time_text} (limit: {limit_text})."
        return non_compliant(reason, {**evidence, "least_restore_seconds": to_seconds(least_time)})
    if latest_drill.restore_time is None:
        reason = f"The restore of the last drill, {latest_drill.drill_id}, did not complete, so its time is unknown."
        raise InsufficientDataError(reason, evidence)
    time_text, limit_text = format_lengths(latest_drill.restore_time, limit)
    reason = f"The restore of the last drill took {time_text} (limit: {limit_text})."
    return decide(reason, evidence, is_compliant=latest_drill.restore_time <= limit)


RESTORE_TIME_MEETS_OBJECTIVE = Control(
    id="restore-time-meets-objective",
    title="The last restore of every index was fast enough",
    fails_when="The restore of the last drill of the live index took longer than the limit, or was not completed when"
    " the drill ended after a longer time. Of a restore that failed earlier, the time is unknown.",
    severity=Severity.MEDIUM,
    family=Family.RECOVERY,
    rationale="A restore that takes longer than planned makes an outage longer than planned.",
    remediation="Run backup-auditor drill --index {name} --apply to see whether one restore was slow. Else divide the"
    " index, or agree on a longer max_restore_time with its owner.",
    looks_at="The restore time of the last drill in the state.",
    console=(),
    api=("GET /restore-jobs: created_at and completed_at of earlier restores.",),
    false_positives="One slow restore while Pinecone was slow: the next drill shows it.",
    frameworks=(Framework.SOC_2_A1_3, Framework.NIST_CP_10),
    evaluate=_evaluate,
    is_evaluated_while_initializing=False,
    parameters={"recovery.max_restore_time": "how long a restore may take in a drill; null: not evaluated"},
)
