//! What the process asks of the system before it does anything else.

/// No core dumps, in which keys would lie on the disk; and as many open files as the system grants, because each connection is
/// one. That the system refuses is no reason not to start.
#[cfg(unix)]
pub(super) fn prepare() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    // while somebody develops Tierline, a dump may be what is wanted
    if cfg!(not(debug_assertions)) {
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    let files = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files });
}

/// Windows writes no dumps unless it is told to, and has no such limit on files.
#[cfg(not(unix))]
pub(super) const fn prepare() {}
