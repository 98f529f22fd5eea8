//! What the process asks of the system before it does anything else.

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// No core dumps, in which keys would lie on the disk; and as many open files as the system grants, because each connection is
/// one. That the system refuses is no reason not to start.
#[cfg(unix)]
pub(super) fn prepare() {
    // while somebody develops Tierline, a dump may be what is wanted
    if cfg!(not(debug_assertions)) {
        forbid_core_dumps();
    }
    let files = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files });
}

/// Nobody can allow them again.
#[cfg(unix)]
fn forbid_core_dumps() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// Windows writes no dumps unless it is told to, and has no such limit on files.
#[cfg(not(unix))]
pub(super) const fn prepare() {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn there_will_be_no_core_dump_in_a_release() {
        forbid_core_dumps();
        assert_eq!(getrlimit(Resource::Core), Rlimit { current: Some(0), maximum: Some(0) });
    }
}
