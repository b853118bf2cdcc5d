//! What runs in Kubernetes: every pod that has not ended, listed page by page and put together by what made it.

mod read;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;
use wharfinger_cluster::{PodList, PodRunner, PodsUnknown};
use wharfinger_transport::CallError;

use crate::api_server::{ApiServer, ApiServerError};
use crate::webhooks::Phase;
use read::{Gathered, PodPage};

/// Pods that are asked for at once. Fewer where they are so long that the answer would be cut off.
const PAGE: usize = 100;
/// Pods that are read.
const MOST_PODS: usize = 10_000;
/// What is kept of them, in bytes.
const LONGEST_KEPT: usize = 16 << 20;
/// Somebody waits for the page that shows them.
const PATIENCE: Duration = Duration::from_secs(5);
/// Without those that run nothing any more.
const NOT_ENDED: &str = "status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed";

/// The pods of one API server.
pub struct Pods(pub Arc<ApiServer>);

#[async_trait]
impl PodRunner for Pods {
    async fn running(&self) -> Result<PodList, PodsUnknown> {
        let end = Instant::now() + PATIENCE;
        let mut gathered = Gathered::new(Some(self.0.clone()));
        let (mut limit, mut next, mut read, mut cut) = (PAGE, String::new(), 0, None);
        loop {
            let page = match self.page(limit, &next).await {
                Ok(page) => page,
                Err(ApiServerError::Silent { source: CallError::TooLong(_), .. }) if limit > 1 => {
                    limit /= 2;
                    continue;
                }
                Err(error) if read == 0 => return Err(unknown(error)),
                Err(error) => {
                    cut = Some(error.to_string());
                    break;
                }
            };
            read += page.items.len();
            gathered.take(&page.items);
            next = page.next;
            if next.is_empty() {
                break;
            }
            let too_much = [
                (read >= MOST_PODS, format!("at most {MOST_PODS} are read")),
                (gathered.weight > LONGEST_KEPT, "what is said of them is too long".to_owned()),
                (Instant::now() > end, "the API server took too long".to_owned()),
            ];
            cut = too_much.into_iter().find_map(|(is_too_much, why)| is_too_much.then_some(why));
            if cut.is_some() {
                break;
            }
        }
        let cut = cut.map(|why| format!("not all pods of Kubernetes are shown, only {read} of them: {why}"));
        Ok(gathered.list(self.not_asked_about().await.as_deref(), cut))
    }
}

impl Pods {
    async fn page(&self, limit: usize, next: &str) -> Result<PodPage, ApiServerError> {
        let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
        let path = format!("/api/v1/pods?limit={limit}&fieldSelector={NOT_ENDED}&continue={next}");
        let unreadable = || ApiServerError::Unreadable { what: "GET /api/v1/pods".to_owned() };
        let answer = self.0.get(&path).await?.ok_or_else(unreadable)?;
        PodPage::read(answer).ok_or_else(unreadable)
    }

    /// Wharfinger's own namespace, where it runs inside: the webhooks leave that one out.
    async fn not_asked_about(&self) -> Option<String> {
        let configuration = self.0.configuration(Phase::Validate).await.ok()??;
        configuration.pointer("/webhooks/0/clientConfig/service/namespace")?.as_str().map(str::to_owned)
    }
}

/// What one answer comes to.
#[cfg(feature = "fuzzing")]
pub(crate) fn listed(answer: serde_json::Value) -> Option<PodList> {
    let page = PodPage::read(answer)?;
    let mut gathered = Gathered::new(None);
    gathered.take(&page.items);
    Some(gathered.list(None, None))
}

fn unknown(error: ApiServerError) -> PodsUnknown {
    if error.is_forbidden() { PodsUnknown::Forbidden } else { PodsUnknown::Silent(error.into()) }
}
