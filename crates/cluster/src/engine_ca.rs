//! The CA files of a local engine: `certs.d/<host>/ca.crt`, read by the engine at each request.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use wharfinger_oci::Host;

/// Stands first in every file we write, so that we never overwrite somebody else's.
const MARK: &str = "# written by wharfinger; it is replaced when the registration changes\n";

/// The folder a local engine reads registries' CAs from.
#[derive(Clone, Debug)]
pub struct EngineCa {
    certs_dir: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("{0} was not written by us and is left as it is: replace it by hand if it is wrong")]
    NotOurs(PathBuf),
    #[error("{path}: {source}")]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Installed {
    Written,
    Unchanged,
}

impl EngineCa {
    pub fn new(certs_dir: impl Into<PathBuf>) -> Self {
        Self { certs_dir: certs_dir.into() }
    }

    fn file(&self, host: &Host) -> PathBuf {
        self.certs_dir.join(host.as_str()).join("ca.crt")
    }

    /// Puts `ca_bundle` where the engine finds it. A file that says the same already, ours or not, is left alone.
    pub fn install(&self, host: &Host, ca_bundle: &str) -> Result<Installed, InstallError> {
        let path = self.file(host);
        let failed = |source| InstallError::Write { path: path.clone(), source };
        match std::fs::read_to_string(&path) {
            Ok(present) if present.trim_start_matches(MARK).trim() == ca_bundle.trim() => return Ok(Installed::Unchanged),
            Ok(present) if !present.starts_with(MARK) => return Err(InstallError::NotOurs(path)),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let temporary = folder.join(".ca.crt.new");
        let write = || {
            let mut file = std::fs::File::create(&temporary)?;
            file.write_all(MARK.as_bytes())?;
            file.write_all(ca_bundle.trim().as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)
        };
        write().map_err(failed)?;
        Ok(Installed::Written)
    }

    /// Takes our file for `host` away; somebody else's stays.
    pub fn remove(&self, host: &Host) -> std::io::Result<()> {
        let path = self.file(host);
        match std::fs::read_to_string(&path) {
            Ok(present) if present.starts_with(MARK) => {
                std::fs::remove_file(&path)?;
                // The folder may hold somebody's client certificates: it goes only when it is empty.
                let _ = path.parent().map(std::fs::remove_dir);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_ours_is_never_touched() {
        let folder = tempfile::tempdir().unwrap();
        let host: Host = "dtr.test:5000".parse().unwrap();
        let ca = EngineCa::new(folder.path());
        let path = folder.path().join("dtr.test:5000/ca.crt");
        assert_eq!(ca.install(&host, "one").unwrap(), Installed::Written);
        assert_eq!(ca.install(&host, "one\n").unwrap(), Installed::Unchanged);
        assert_eq!(ca.install(&host, "two").unwrap(), Installed::Written);
        assert!(std::fs::read_to_string(&path).unwrap().contains("two"));
        std::fs::write(&path, "theirs").unwrap();
        assert!(matches!(ca.install(&host, "three"), Err(InstallError::NotOurs(_))));
        ca.remove(&host).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "theirs");
        assert_eq!(ca.install(&host, "theirs").unwrap(), Installed::Unchanged);
    }
}
