//! Start at login. On Linux a file in the autostart folder of the desktop; elsewhere not yet.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::domain::Problem;

const FILE: &str = "tierline.desktop";

/// Whether Tierline starts when the user logs in.
///
/// # Errors
/// This platform or session has no such folder.
pub fn is_on() -> Result<bool, Problem> {
    Ok(folder()?.join(FILE).is_file())
}

/// Lets Tierline start at login from now on, or no more.
pub fn set(on: bool) -> Result<(), Problem> {
    let program = std::env::current_exe().map_err(|error| Problem::new("the path of this program is unknown").because(error))?;
    let folder = folder()?;
    let done = if on { write(&folder, &program) } else { remove(&folder) };
    done.map_err(|error| Problem::new(format!("{} could not be changed", folder.join(FILE).display())).because(error))
}

#[cfg(target_os = "linux")]
fn folder() -> Result<PathBuf, Problem> {
    let user = directories::BaseDirs::new().ok_or_else(|| Problem::new("the home folder is unknown"))?;
    Ok(user.config_dir().join("autostart"))
}

#[cfg(not(target_os = "linux"))]
fn folder() -> Result<PathBuf, Problem> {
    Err(Problem::new("start at login is not offered on this platform yet").hint("add Tierline to the login items by hand"))
}

fn write(folder: &Path, program: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let text = format!(
        "[Desktop Entry]\nType=Application\nName=Tierline\nComment=Local gateway that keeps LLM API keys within their limits\n\
         Exec={}\nIcon=tierline\nTerminal=false\nX-GNOME-Autostart-enabled=true\n",
        quoted(program)
    );
    fs::write(folder.join(FILE), text)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// As the specification of desktop entries quotes an argument; a percent sign would begin a field code.
fn quoted(program: &Path) -> String {
    let mut text = String::from("\"");
    for letter in program.to_string_lossy().chars() {
        match letter {
            '"' | '`' | '$' => text.extend(['\\', '\\', letter]),
            '\\' => text.push_str("\\\\\\\\"),
            '%' => text.push_str("%%"),
            letter => text.push(letter),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_comes_and_goes() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("autostart");
        remove(&folder).unwrap();
        write(&folder, Path::new("/opt/my tools/tierline")).unwrap();
        let text = fs::read_to_string(folder.join(FILE)).unwrap();
        assert!(text.contains("\nExec=\"/opt/my tools/tierline\"\n"), "{text}");
        remove(&folder).unwrap();
        assert!(!folder.join(FILE).exists());
    }

    #[test]
    fn odd_paths_are_quoted() {
        for (path, expect) in [("/a b", "\"/a b\""), ("/100%", "\"/100%%\""), ("/$x", "\"/\\\\$x\"")] {
            assert_eq!(quoted(Path::new(path)), expect);
        }
    }
}
