mod progress;
mod service;
mod stack;

use serde_json::json;
use wharfinger_policy::{Signers, TrustDocument};

use crate::house::House;

const IMAGE: &str = "dtr.test/acme/app:1";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

impl House {
    /// From now on only signed images run; no registry is registered, so that none is.
    async fn enforce(&self) {
        let document = TrustDocument {
            require_content_trust: true,
            require_signature_from: None,
            signers: Some(Signers::Any),
            allow_repos: Vec::new(),
            allow_builds: false,
            delegate_membership: false,
            max_staleness_minutes: None,
            rules: None,
            exemptions: Vec::new(),
        };
        self.console.cluster.replace_trust("admin", document, None).await.unwrap();
    }

    /// The registry names this digest for the image.
    fn has_image(&self) {
        let described = json!({
            "Descriptor": { "digest": DIGEST, "mediaType": "a", "size": 1 },
            "Platforms": [{ "architecture": "amd64", "os": "linux" }, { "architecture": "arm", "os": "linux" }],
        });
        self.engine.answers(&format!("GET /distribution/{IMAGE}/json"), 200, &described);
    }

    async fn id_of(&self, name: &str) -> String {
        self.principal(name).await.account.id.to_string()
    }
}
