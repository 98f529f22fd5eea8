//! The folder in which Tierline keeps its files: found or made, private, and served by one process at a time.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use directories::ProjectDirs;

use super::modes;
use crate::domain::Problem;

const DATABASE: &str = "tierline.db";
const LOCK: &str = "instance.lock";

/// A data folder that exists, is ours, can be written, and is closed to others. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DataDir {
    path: PathBuf,
    /// What was done to close it to others, for a notice.
    tightened: Option<String>,
    /// Whether this process holds the instance lock.
    locked: Arc<AtomicBool>,
}

/// Held by the process that serves from a data folder; given back on drop, and by the system if the process dies.
#[derive(Debug)]
pub struct InstanceLock {
    _file: File,
    locked: Arc<AtomicBool>,
}

impl DataDir {
    /// Opens `explicit`, or the platform's usual folder (`~/.local/share/tierline` on Linux), and makes it if need be:
    /// mode 0700, and what is in it 0600.
    ///
    /// # Errors
    /// It is a file, cannot be made or written, belongs to somebody else, or is a folder with other things in it that
    /// others can read: closing such a folder to others is not ours to do.
    pub fn open(explicit: Option<&Path>) -> Result<Self, Problem> {
        let mut dir = Self::untouched(explicit)?;
        match fs::metadata(&dir.path) {
            Ok(found) if found.is_dir() => dir.adopt(&found)?,
            Ok(_) => return Err(Problem::new(format!("the data folder {} is a file", dir.path.display())).hint(ELSEWHERE)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => modes::create_private_dir(&dir.path).map_err(|e| unusable(&dir.path, &e))?,
            Err(e) => return Err(unusable(&dir.path, &e)),
        }
        dir.secure_files()?;
        Ok(dir)
    }

    /// The same folder as it is: not made, not checked, not closed to others. To look at it, or to read.
    ///
    /// # Errors
    /// This user has no home folder.
    pub fn untouched(explicit: Option<&Path>) -> Result<Self, Problem> {
        let path = match explicit {
            Some(path) => path.to_owned(),
            None => ProjectDirs::from("dev", "tierline", "Tierline")
                .map(|dirs| dirs.data_local_dir().to_owned())
                .ok_or_else(|| Problem::new("this user has no home folder").hint(ELSEWHERE))?,
        };
        // as a whole path: what is run later in another working directory must mean the same folder
        let path = std::path::absolute(&path).map_err(|e| unusable(&path, &e))?;
        Ok(Self { path, tightened: None, locked: Arc::default() })
    }

    /// The folder itself and what is in it, as far as others than the owner may do anything with it; `None` if there is no folder.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open_to_others(&self) -> Result<Option<Vec<PathBuf>>, Problem> {
        if !self.path.exists() {
            return Ok(None);
        }
        let look = || -> io::Result<Vec<PathBuf>> {
            let inside = fs::read_dir(&self.path)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
            let mut open = Vec::new();
            for path in std::iter::once(self.path.clone()).chain(inside) {
                // a link's own mode says nothing
                let found = fs::symlink_metadata(&path)?;
                if !found.is_symlink() && modes::is_open_to_others(&found) {
                    open.push(path);
                }
            }
            Ok(open)
        };
        look().map(Some).map_err(|e| unusable(&self.path, &e))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the database is.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// Claims the folder for a process that serves. Commands that look, set or export once need no claim.
    ///
    /// # Errors
    /// Another process has it; its number is named.
    pub fn lock(&self) -> Result<InstanceLock, Problem> {
        let path = self.path.join(LOCK);
        let mut file = modes::open_private_file(&path).map_err(|e| unusable(&path, &e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // on some systems a locked file cannot be read: then the number stays unknown
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                let who = if holder.is_empty() { String::new() } else { format!(" (process {holder})") };
                return Err(Problem::new(format!("another Tierline{who} already serves from {}", self.path.display()))
                    .hint("use that one, stop it, or name another folder with --data-dir"));
            }
            Err(TryLockError::Error(e)) => return Err(unusable(&path, &e)),
        }
        let write_pid = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write_pid(&mut file).map_err(|e| unusable(&path, &e))?;
        self.locked.store(true, Ordering::Release);
        Ok(InstanceLock { _file: file, locked: Arc::clone(&self.locked) })
    }

    /// Whether no other process serves from this folder now.
    pub(super) fn is_ours_alone(&self) -> bool {
        self.locked.load(Ordering::Acquire)
            || modes::open_private_file(&self.path.join(LOCK)).is_ok_and(|file| matches!(file.try_lock(), Ok(())))
    }

    pub(super) fn tightened(&self) -> Option<&str> {
        self.tightened.as_deref()
    }

    /// Checks a folder that was there before us.
    fn adopt(&mut self, found: &fs::Metadata) -> Result<(), Problem> {
        let shown = self.path.display();
        let probe = self.path.join(format!(".tierline-probe-{}", std::process::id()));
        let made = modes::open_private_file(&probe).and_then(|file| file.metadata());
        // a probe that stays behind does no harm, and the next one has the same name
        let _ = fs::remove_file(&probe);
        let ours = made.map_err(|e| unusable(&self.path, &e))?;
        if !modes::same_owner(found, &ours) {
            return Err(Problem::new(format!("the data folder {shown} belongs to another user")).hint(ELSEWHERE));
        }
        if !modes::is_open_to_others(found) {
            return Ok(());
        }
        let entries = fs::read_dir(&self.path).map_err(|e| unusable(&self.path, &e))?;
        let foreign = !self.database().exists() && !self.path.join(LOCK).exists() && entries.count() > 0;
        if foreign {
            return Err(Problem::new(format!("the folder {shown} holds other files and is open to other users"))
                .hint(format!("name a folder of its own, such as {}", self.path.join("tierline").display())));
        }
        modes::create_private_dir(&self.path).map_err(|e| unusable(&self.path, &e))?;
        self.tightened = Some(format!("the data folder {shown} was open to other users and is now closed to them"));
        Ok(())
    }

    /// Makes the database and its companions readable for the owner only, before SQLite opens them: it gives the files that it
    /// adds the mode of the database.
    fn secure_files(&self) -> Result<(), Problem> {
        let database = self.database();
        if database.is_dir() {
            return Err(Problem::new(format!("the database {} is a folder", database.display())).hint(ELSEWHERE));
        }
        modes::open_private_file(&database).map_err(|e| unusable(&database, &e))?;
        for companion in ["-wal", "-shm"].map(|end| with_suffix(&database, end)).into_iter().filter(|path| path.exists()) {
            modes::open_private_file(&companion).map_err(|e| unusable(&companion, &e))?;
        }
        Ok(())
    }
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        self.locked.store(false, Ordering::Release);
    }
}

/// `path` with `suffix` after its whole name, as SQLite names its companions.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

const ELSEWHERE: &str = "name another folder with --data-dir or TIERLINE_DATA_DIR";

fn unusable(path: &Path, error: &io::Error) -> Problem {
    let shown = path.display();
    let summary = match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => format!("the data folder {shown} is on a read-only disk"),
        io::ErrorKind::PermissionDenied => format!("the data folder {shown} is read-only or closed to this user"),
        io::ErrorKind::NotADirectory => format!("a part of the path {shown} is a file"),
        io::ErrorKind::StorageFull => format!("no space left for {shown}"),
        _ => format!("the data folder {shown} cannot be used"),
    };
    Problem::new(summary).because(error).hint(ELSEWHERE)
}
