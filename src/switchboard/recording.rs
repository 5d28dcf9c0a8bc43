//! What the recorder says of a call's recording. It changes nothing for the call.

use super::Switchboard;
use crate::call::orders::RecorderReport;
use crate::journal::Fact;
use crate::vocabulary::Now;

impl Switchboard {
    pub(super) fn recorder_reports(&mut self, now: Now, report: RecorderReport) {
        let fact = match report {
            RecorderReport::Started { call, file } => Fact::RecordingStarted { call, file },
            RecorderReport::Sealed { call, file, sha256, millis, bytes } => {
                Fact::RecordingSealed { call, file, sha256, millis, bytes }
            }
            RecorderReport::Failed { call, file, why } => {
                self.alarm(now, "recording-failed", why.clone());
                Fact::RecordingFailed { call, file, why }
            }
            RecorderReport::Resumed { call, file, missed_millis } => {
                let seconds = missed_millis.div_ceil(1000);
                let detail = format!("call {call} is recorded again, {seconds} s are missing");
                self.alarm(now, "recording-resumed", detail);
                Fact::RecordingResumed { call, file, missed_millis }
            }
            RecorderReport::Fault { why } => return self.alarm(now, "recorder-fault", why),
        };
        self.note(now, fact);
    }
}
