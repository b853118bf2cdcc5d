//! What every serving process stands on: its folder, its seal key, its database, its certificate authority and its accounts.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use wharfinger_auth::{Accounts, CertificateAuthority, Clock, Secret, SessionSettings};
use wharfinger_keys::SealKey;
use wharfinger_storage_sql::Sql;
use wharfinger_transport::{Bounds, Live};

/// One instance, opened.
pub(crate) struct Instance {
    pub(crate) data_dir: PathBuf,
    pub(crate) sql: Arc<Sql>,
    pub(crate) seal: Arc<SealKey>,
    pub(crate) ca: Arc<CertificateAuthority>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) live: Arc<Live>,
    pub(crate) clock: Clock,
    /// Held as long as the process serves from the folder; `None` for the operator's commands.
    _lock: Option<File>,
}

impl Instance {
    /// Opens the instance in `data_dir` for serving, making what is not there. One process per folder.
    pub(crate) async fn open(data_dir: &Path, seal_key_file: &Path, bounds: Bounds) -> anyhow::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data_dir)
            .with_context(|| format!("cannot make the data folder {}", data_dir.display()))?;
        let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(data_dir.join("lock"));
        let lock = lock.with_context(|| format!("cannot write in the data folder {}", data_dir.display()))?;
        if lock.try_lock().is_err() {
            bail!("another wharfinger serves from {}: stop it, or give --data-dir another folder", data_dir.display());
        }
        Self::open_unlocked(data_dir, seal_key_file, Some(lock), bounds).await
    }

    /// Opens the instance beside a process that may be serving from it.
    pub(crate) async fn open_beside(data_dir: &Path, seal_key_file: &Path) -> anyhow::Result<Self> {
        let database = data_dir.join("wharfinger.db");
        if !database.exists() {
            bail!("there is no instance in {}: give --data-dir its folder", data_dir.display());
        }
        Self::open_unlocked(data_dir, seal_key_file, None, Bounds::default()).await
    }

    async fn open_unlocked(data_dir: &Path, seal_key_file: &Path, lock: Option<File>, bounds: Bounds) -> anyhow::Result<Self> {
        let database = data_dir.join("wharfinger.db");
        let seal = Arc::new(seal_key(seal_key_file, database.exists())?);
        let sql = Arc::new(Sql::open(&database).await.with_context(|| format!("cannot open {}", database.display()))?);
        let clock = Clock::system();
        let ca =
            CertificateAuthority::open(&*sql, &seal, clock.clone()).await.context("cannot open the certificate authority")?;
        let accounts =
            Accounts::new(sql.clone(), sql.clone(), SessionSettings::default(), clock.clone()).with_cookies_of(ca.instance_id());
        Ok(Self {
            data_dir: data_dir.to_owned(),
            sql,
            seal,
            ca: Arc::new(ca),
            accounts: Arc::new(accounts),
            live: Live::with_bounds(bounds),
            clock,
            _lock: lock,
        })
    }

    /// Makes the account `admin` the first time, with the given or a random password.
    pub(crate) async fn ensure_admin(&self, password_file: Option<&Path>) -> anyhow::Result<()> {
        if self.accounts.has_admin().await? {
            return Ok(());
        }
        let password = match password_file {
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            None => {
                // Written before the account is made: after a crash between the two, the next start writes another.
                let password = random_password()?;
                let path = self.data_dir.join("admin-password");
                write_secret(&path, format!("{password}\n").as_bytes())?;
                eprintln!("wharfinger: the password of `admin` is in {}", path.display());
                password
            }
        };
        self.accounts.ensure_admin(&Secret::new(password)).await.context("cannot make the account `admin`")?;
        Ok(())
    }
}

/// 160 bits from the system, in letters and digits that are told apart easily.
pub(crate) fn random_password() -> anyhow::Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
    let mut bytes = [0; 32];
    File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes)).context("no randomness from the system")?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

/// Reads the seal key, or makes it for a new instance. For a database that exists a missing key is an error: a new one would
/// leave everything sealed before unreadable.
fn seal_key(path: &Path, database_exists: bool) -> anyhow::Result<SealKey> {
    match std::fs::read(path) {
        Ok(bytes) => SealKey::from_bytes(&bytes).map_err(|error| anyhow::anyhow!("{}: {error}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !database_exists => {
            let key = SealKey::generate();
            write_secret(path, &key.to_bytes())?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| {
            format!(
                "cannot read the seal key {}: without it the server-held keys stay sealed; restore it from your backup",
                path.display()
            )
        }),
    }
}

/// Writes `bytes` to `path` with mode 0600: whole and on disk, or not at all.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        File::open(folder)?.sync_all()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_missing_seal_key_of_an_existing_instance_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        assert!(seal_key(&path, true).is_err());
        assert!(!path.exists());
        let made = seal_key(&path, false).unwrap().to_bytes();
        assert_eq!(seal_key(&path, true).unwrap().to_bytes(), made);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn random_passwords_differ() {
        assert_ne!(random_password().unwrap(), random_password().unwrap());
        assert_eq!(random_password().unwrap().len(), 32);
    }
}
