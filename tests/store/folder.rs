//! The data folder and the database file: modes, claims, and everything that can be wrong with them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use tierline::domain::Severity;
use tierline::store::{DataDir, Store};

use crate::made::{Home, NOON, Standing, finished, record};

type Damage = fn(&Path);

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn only_the_owner_can_read_anything() {
    let home = Home::new();
    home.write([finished(&record(1, NOON))]);
    let _reader = home.store.reader().unwrap();
    let _lock = home.dir.lock().unwrap();
    assert_eq!(mode(home.dir.path()), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(home.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["instance.lock", "tierline.db", "tierline.db-shm", "tierline.db-wal"]);
}

#[test]
fn a_folder_that_was_open_to_others_is_closed_and_said_so() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("data");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("tierline.db"), "").unwrap();
    set_mode(&path, 0o755);
    set_mode(&path.join("tierline.db"), 0o644);

    let dir = DataDir::open(Some(&path)).unwrap();
    let (_store, notices) = Store::open(&dir, &Standing).unwrap();
    assert_eq!((mode(&path), mode(&dir.database())), (0o700, 0o600));
    assert!(notices.iter().any(|n| n.text.contains("open to other users")), "{notices:?}");
}

#[test]
fn a_folder_with_other_things_in_it_is_not_closed_to_others() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("notes.txt"), "mine").unwrap();
    set_mode(temp.path(), 0o755);
    let problem = DataDir::open(Some(temp.path())).unwrap_err();
    assert!(problem.summary.contains("holds other files"), "{problem}");
    assert_eq!(mode(temp.path()), 0o755);
    assert!(!temp.path().join("tierline.db").exists());
}

#[test]
fn what_cannot_be_a_data_folder_is_refused_with_advice() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("file");
    fs::write(&file, "").unwrap();
    let with_folder = temp.path().join("with-folder");
    fs::create_dir_all(with_folder.join("tierline.db")).unwrap();
    set_mode(&with_folder, 0o700);
    for (path, what) in [
        (file.clone(), "is a file"),
        (file.join("below"), "is a file"),
        (with_folder, "is a folder"),
        ("/proc/tierline".into(), "cannot be used"),
    ] {
        let problem = DataDir::open(Some(&path)).unwrap_err();
        assert!(problem.summary.contains(what), "{problem}");
        assert!(problem.hint.as_deref().unwrap_or_default().contains("--data-dir"), "{problem}");
    }
}

/// Root may write everywhere, so as root these cases run again as nobody.
#[test]
fn a_read_only_folder_and_one_of_another_user_are_refused() {
    const AGAIN: &str = "TIERLINE_TEST_AS_NOBODY";
    const NOBODY: u32 = 65_534;
    let temp = tempfile::tempdir().unwrap();
    let read_only = temp.path().join("read-only");
    fs::create_dir(&read_only).unwrap();
    set_mode(&read_only, 0o500);
    if fs::write(read_only.join("probe"), "").is_err() {
        let problem = DataDir::open(Some(&read_only)).unwrap_err();
        assert!(problem.summary.contains("is read-only"), "{problem}");
        let problem = DataDir::open(Some(&read_only.join("below"))).unwrap_err();
        assert!(problem.summary.contains("is read-only"), "{problem}");
        return;
    }
    assert!(std::env::var_os(AGAIN).is_none(), "nobody can write everywhere");
    let theirs = temp.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    chown(&theirs, Some(NOBODY), None).unwrap();
    let problem = DataDir::open(Some(&theirs)).unwrap_err();
    assert!(problem.summary.contains("belongs to another user"), "{problem}");

    // a copy, because nobody may not be able to reach this program
    let program = temp.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    set_mode(temp.path(), 0o755);
    set_mode(&program, 0o755);
    let again = Command::new(&program)
        .args(["--exact", "folder::a_read_only_folder_and_one_of_another_user_are_refused"])
        .env(AGAIN, "1")
        .env("TMPDIR", "/tmp")
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
}

#[test]
fn one_process_serves_and_a_second_learns_which() {
    let home = Home::new();
    let lock = home.dir.lock().unwrap();
    let second = DataDir::open(Some(home.dir.path())).unwrap();
    let problem = second.lock().unwrap_err();
    assert!(problem.summary.contains(&format!("process {}", std::process::id())), "{problem}");
    // looking is free
    second.database().metadata().unwrap();
    Store::open(&second, &Standing).unwrap();
    drop(lock);
    second.lock().unwrap();
}

#[test]
fn a_database_from_a_newer_version_is_refused_and_not_touched() {
    let home = Home::new();
    home.store.close().unwrap();
    rusqlite::Connection::open(home.dir.database()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(home.dir.database()).unwrap();

    let problem = Store::open(&home.dir, &Standing).unwrap_err();
    assert!(problem.summary.contains("has version 99"), "{problem}");
    assert!(problem.hint.as_deref().unwrap_or_default().contains("newer Tierline"), "{problem}");
    assert_eq!(fs::read(home.dir.database()).unwrap(), before);
    let aside = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().contains("corrupt");
    assert!(!fs::read_dir(home.dir.path()).unwrap().any(|entry| aside(&entry.unwrap())), "nothing was moved aside");
}

#[test]
fn a_corrupt_database_is_moved_aside_and_a_fresh_one_is_opened() {
    let damages: [(&str, Damage); 3] = [
        ("garbage", |path| fs::write(path, "this was never a database, whatever its name says").unwrap()),
        ("holes", |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[4_096..].fill(0xa5);
            fs::write(path, bytes).unwrap();
        }),
        ("cut", |path| {
            let half = fs::metadata(path).unwrap().len() / 2 + 17;
            fs::File::options().write(true).open(path).unwrap().set_len(half).unwrap();
        }),
    ];
    for (name, damage) in damages {
        let home = Home::new();
        home.write((1..=2_000).map(|id| finished(&record(id, NOON))));
        home.store.close().unwrap();
        damage(&home.dir.database());
        let damaged = fs::read(home.dir.database()).unwrap();

        let (store, notices) = Store::open(&home.dir, &Standing).unwrap();
        assert_eq!(notices.len(), 1, "{name}: {notices:?}");
        assert_eq!(notices[0].severity, Severity::Error);
        let aside = home.dir.path().join("tierline.corrupt-20261124T120000Z.db");
        assert!(notices[0].hint.as_deref().unwrap_or_default().contains(aside.to_str().unwrap()), "{name}: {notices:?}");
        assert_eq!(fs::read(&aside).unwrap(), damaged, "{name}");
        assert_eq!((mode(&aside), mode(&home.dir.database())), (0o600, 0o600), "{name}");
        assert_eq!(store.reader().unwrap().next_request_id().unwrap(), 1, "{name}");
    }
}

#[test]
fn a_corrupt_database_stays_where_another_process_serves_from_it() {
    let home = Home::new();
    let _lock = home.dir.lock().unwrap();
    home.store.close().unwrap();
    fs::write(home.dir.database(), "damaged").unwrap();
    let other = DataDir::open(Some(home.dir.path())).unwrap();
    let problem = Store::open(&other, &Standing).unwrap_err();
    assert!(problem.hint.as_deref().unwrap_or_default().contains("stop the Tierline"), "{problem}");
    assert_eq!(fs::read(home.dir.database()).unwrap(), b"damaged");
    // the one that serves may
    Store::open(&home.dir, &Standing).unwrap();
}
