//! Limits of the process: as many open files as the system lets us have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a thousand sessions need: for each its event stream, and room for reads, controls and clients.
const ENOUGH: u64 = 4096;

/// Raises the limit of open files to the highest that is allowed, and says so when that is little.
pub(super) fn raise() {
    let before = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: before.maximum, maximum: before.maximum };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => before.maximum,
        Err(error) => {
            tracing::debug!("the limit of open files cannot be raised: {error}");
            before.current
        }
    };
    if let Some(limit) = too_few(limit) {
        tracing::warn!(
            "only {limit} files can be open at once, and a thousand sessions need {ENOUGH}: raise LimitNOFILE= of the \
             unit, or `ulimit -Hn`"
        );
    }
}

fn too_few(limit: Option<u64>) -> Option<u64> {
    limit.filter(|limit| *limit < ENOUGH)
}
