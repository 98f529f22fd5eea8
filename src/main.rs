//! Starts the program: a log on stderr, then the command line.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("TIERLINE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    // a log that nobody reads any more is no reason to panic, which is what telling of it on stderr would do
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .log_internal_errors(false)
        .init();
    tierline::cli::main(&mut io::stdout(), &mut io::stderr())
}
