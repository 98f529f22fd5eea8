//! An output whose reader may have seen enough: `tierline models | head` is no failure.

use std::io::{self, ErrorKind, Write};

/// Passes on what is written, until nobody reads it any more; from then on it is let go.
///
/// The command goes on: a batch does not stop because nobody looks at its progress.
pub(super) struct Reader<'a> {
    to: &'a mut dyn Write,
    gone: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn of(to: &'a mut dyn Write) -> Self {
        Self { to, gone: false }
    }

    fn unless_gone<T>(&mut self, nothing: T, write: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> io::Result<T> {
        if self.gone {
            return Ok(nothing);
        }
        match write(self.to) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(nothing)
            }
            written => written,
        }
    }
}

impl Write for Reader<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_gone(bytes.len(), |to| to.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_gone((), |to| to.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes one write, then fails with this for ever.
    struct Once(Vec<u8>, ErrorKind);

    impl Write for Once {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                self.0.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
            Err(self.1.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            if self.0.is_empty() { Ok(()) } else { Err(self.1.into()) }
        }
    }

    #[test]
    fn a_reader_that_left_is_no_failure_and_a_full_disk_is_one() {
        for (why, fails) in [(ErrorKind::BrokenPipe, false), (ErrorKind::StorageFull, true)] {
            let mut to = Once(Vec::new(), why);
            let mut reader = Reader::of(&mut to);
            assert!(reader.write_all(b"first").is_ok());
            assert_eq!(reader.write_all(b"second").is_err(), fails, "{why}");
            assert_eq!(reader.flush().is_err(), fails, "{why}");
            assert_eq!(to.0, b"first");
        }
    }
}
