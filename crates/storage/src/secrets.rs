//! Secrets the server itself holds (its CA, its token key, timestamp and snapshot keys), by name. Only sealed bytes come here: what
//! they are sealed with is never in the same store.

use async_trait::async_trait;

use crate::Result;

#[async_trait]
pub trait Secrets: Send + Sync {
    async fn secret(&self, name: &str) -> Result<Option<Vec<u8>>>;
    /// Keeps `sealed` unless the name is taken; answers with what is kept now, so that of two makers both use the first one's.
    async fn keep_first(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>>;
    /// Keeps `sealed` under `name`, whatever was there.
    async fn replace(&self, name: &str, sealed: &[u8]) -> Result<()>;
    async fn forget(&self, name: &str) -> Result<bool>;
}
