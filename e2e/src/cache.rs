//! What is fetched or built once for the tests, and kept for all clones: in the user's cache.

use std::path::PathBuf;

pub(crate) fn cached(what: &str) -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    cache.join("wharfinger").join(what)
}

/// The release of axe-core that looks for what keeps people from using a page.
pub const AXE_VERSION: &str = "4.10.3";

/// Where `cargo xtask axe` keeps axe-core.
pub fn axe_script() -> PathBuf {
    cached("axe").join(AXE_VERSION).join("axe.min.js")
}
