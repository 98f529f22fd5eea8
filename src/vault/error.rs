//! Why a key could not be had, told apart by what the user can do about it.

use std::time::Duration;

use keyring::Error;

use crate::domain::Problem;
use crate::domain::secret::BadKey;

/// Why the vault could not do what was asked. No variant ever holds a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Nobody answers for passwords on this desktop.
    #[error("no password service is running")]
    NoService(String),
    /// It is locked, and the unlock dialog was dismissed or could not be shown.
    #[error("the keyring is locked")]
    Locked(String),
    /// No answer in time; a dialog is probably open.
    #[error("the keyring has not answered for {} s", .0.as_secs())]
    Waiting(Duration),
    /// It is unlocked, but not for us.
    #[error("the keyring denied access")]
    Denied(String),
    /// The named place has no key.
    #[error("no key at {0}")]
    NotFound(String),
    /// The variable that the account names is not there.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// The place holds something that cannot be a key.
    #[error("no usable key in {place}")]
    NoKey {
        /// Where.
        place: String,
        /// What is wrong with it.
        why: BadKey,
    },
    /// `--vault env` was asked to store.
    #[error("this vault reads environment variables and stores nothing")]
    StoresNothing,
    /// The account's key is in the keyring, and this is another vault.
    #[error("the key is in the system's keyring, which is not in use now")]
    InKeyring,
    /// Anything else.
    #[error("the keyring failed")]
    Other(String),
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        let problem = Self::new(error.to_string());
        match error {
            VaultError::NoService(details) => problem.because(details).hint(
                "start GNOME Keyring (gnome-keyring), KWallet (kwallet 5.97 or newer), or KeePassXC with its Secret Service switched on \
                 (keepassxc), then start Tierline again; or use --vault env, or --vault memory for this session only",
            ),
            VaultError::Locked(details) => {
                problem.because(details).hint("unlock it and try again; where there is no desktop, use --vault env")
            }
            VaultError::Waiting(_) => {
                problem.hint("it probably shows a dialog: answer it, then try again; where there is no desktop, use --vault env")
            }
            VaultError::Denied(details) => {
                problem.because(details).hint("allow Tierline to use it in the settings of your keyring, or use --vault env")
            }
            VaultError::NotFound(_) => problem.hint("remove the account and add it again with its key"),
            VaultError::NotSet(_) => problem.hint("set it in the environment of this process"),
            VaultError::NoKey { why, .. } => problem.because(why),
            VaultError::StoresNothing => problem.hint("name the variable that has the key with --key-env, or use --vault keyring"),
            VaultError::InKeyring => problem.hint("use --vault keyring, or add the account again with --key-env"),
            VaultError::Other(details) => problem.because(details).hint("see whether other programs can use it; or use --vault env"),
        }
    }
}

/// What the keyring's error means for the user. `entry` is whose key it was about.
///
/// The Secret Service reports most things as text; the texts are those of secret-service 5 and zbus 5.
pub(super) fn classify(error: &Error, entry: &str) -> VaultError {
    // Debug would show the stored bytes of some variants; Display does not
    let text = error.to_string();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match error {
        Error::NoEntry => VaultError::NotFound(format!("the entry {entry:?} of the system's keyring")),
        Error::NoDefaultStore => VaultError::NoService(text),
        Error::PlatformFailure(_) | Error::NoStorageAccess(_) if says(&["AccessDenied", "access denied", "Access denied"]) => {
            VaultError::Denied(text)
        }
        Error::PlatformFailure(_)
            if says(&["ServiceUnknown", "NameHasNoOwner", "was not provided by any .service files", "Failed to connect to address"])
                || says(&["no secret service provider or dbus session found"]) =>
        {
            VaultError::NoService(text)
        }
        Error::PlatformFailure(_) if says(&["prompt dismissed", "object locked", "IsLocked"]) => VaultError::Locked(text),
        Error::NoStorageAccess(_) => VaultError::Locked(text),
        _ => VaultError::Other(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Error {
        Error::PlatformFailure(text.into())
    }

    fn no_access(text: &str) -> Error {
        Error::NoStorageAccess(text.into())
    }

    type Is = fn(&VaultError) -> bool;

    #[test]
    fn every_failure_says_what_to_do() {
        use VaultError as V;
        let unknown_service = "zbus error: org.freedesktop.DBus.Error.ServiceUnknown: The name org.freedesktop.secrets was not provided";
        let no_bus = "zbus error: Failed to connect to address `unix:path=/run/user/1000/bus`: No such file or directory (os error 2)";
        let cases: [(Error, Is, &str); 11] = [
            (platform(unknown_service), |e| matches!(e, V::NoService(_)), "gnome-keyring"),
            (platform(no_bus), |e| matches!(e, V::NoService(_)), "kwallet"),
            (platform("no secret service provider or dbus session found"), |e| matches!(e, V::NoService(_)), "--vault env"),
            (Error::NoDefaultStore, |e| matches!(e, V::NoService(_)), "keepassxc"),
            (no_access("SS error: prompt dismissed"), |e| matches!(e, V::Locked(_)), "unlock"),
            (no_access("SS error: result not returned from SS API"), |e| matches!(e, V::Locked(_)), "unlock"),
            (platform("SS error: prompt dismissed"), |e| matches!(e, V::Locked(_)), "unlock"),
            (platform("org.freedesktop.Secret.Error.IsLocked"), |e| matches!(e, V::Locked(_)), "unlock"),
            (platform("org.freedesktop.DBus.Error.AccessDenied: no"), |e| matches!(e, V::Denied(_)), "allow Tierline"),
            (Error::NoEntry, |e| matches!(e, V::NotFound(_)), "add it again"),
            (platform("zbus error: something else"), |e| matches!(e, V::Other(_)), "--vault env"),
        ];
        for (error, is, advice) in cases {
            let classified = classify(&error, "anthropic/work");
            assert!(is(&classified), "{error:?} became {classified:?}");
            let problem = Problem::from(classified);
            assert!(problem.hint.as_deref().unwrap_or_default().contains(advice), "{problem}");
        }
    }

    #[test]
    fn what_was_stored_is_never_shown() {
        let error = Error::BadEncoding(b"sk-test-\xff".to_vec());
        let shown = format!("{:?} {}", classify(&error, "e"), Problem::from(classify(&error, "e")));
        assert!(!shown.contains("sk-test") && !shown.contains("115"), "{shown}");
    }
}
