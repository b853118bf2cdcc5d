//! The way a request takes through this room.

mod answer;
mod decide;
mod documents;
mod events;
mod hijack;
mod images;
mod lists;
mod own;
mod pulled;

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header, request::Parts};
use wharfinger_auth::{Accounts, AuthError, Circle, Granted, Need, Principal, authorize};
use wharfinger_gate::Decide;
use wharfinger_storage::workloads::Workloads;
use wharfinger_transport::{Peer, is_cross_site};

use crate::{
    call::{ApiVersion, Call, Carries, Kind, Verdict},
    cleared::Cleared,
    error::Refusal,
    upstream::Upstream,
};
use own::Own;

/// The longest body of a call that is read whole.
const LONGEST_BODY: usize = 4 * 1024 * 1024;

/// Who recognises callers.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// By the key of a client certificate (SPKI, DER) or a bearer token. Cookies are not looked at: a browser sends them
    /// unasked.
    async fn authenticate(&self, spki: Option<&[u8]>, bearer: Option<&str>) -> Result<Option<Principal>, AuthError>;

    /// Whose things are as good as the principal's own at this moment.
    async fn circle(&self, principal: &Principal) -> Result<Circle, AuthError>;
}

#[async_trait]
impl Authenticate for Accounts {
    async fn authenticate(&self, spki: Option<&[u8]>, bearer: Option<&str>) -> Result<Option<Principal>, AuthError> {
        Self::authenticate(self, spki, bearer, None).await
    }

    async fn circle(&self, principal: &Principal) -> Result<Circle, AuthError> {
        Ok(Self::circle(self, &principal.account.id).await?)
    }
}

/// The door of one cluster's engine.
pub struct Engine {
    upstream: Upstream,
    accounts: Arc<dyn Authenticate>,
    gate: Arc<dyn Decide>,
    /// What ran before the policy came.
    before: Arc<dyn Workloads>,
}

impl Engine {
    pub fn new(upstream: Upstream, accounts: Arc<dyn Authenticate>, gate: Arc<dyn Decide>, before: Arc<dyn Workloads>) -> Self {
        Self { upstream, accounts, gate, before }
    }

    /// Whether the engine answers, and the API version this door advertises.
    pub async fn check(&self) -> Result<ApiVersion, crate::EngineDown> {
        self.upstream.newest().await
    }
}

/// Everything on the cluster's origin that nobody else answers.
pub fn routes(engine: Arc<Engine>) -> Router {
    Router::new().fallback(handle).with_state(engine)
}

async fn handle(State(engine): State<Arc<Engine>>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    engine.pass(request).await.unwrap_or_else(|refusal| {
        let (error, chain) = (refusal.to_string(), std::error::Error::source(&refusal).map(ToString::to_string));
        // As values, which are quoted: a name may hold what looks like another line of the log.
        tracing::info!(%method, path, verdict = "refused", error, source = chain, "engine call refused");
        refusal.into_response()
    })
}

/// A call that somebody may make.
struct Permitted {
    call: Call,
    version: ApiVersion,
    granted: Granted,
    peer: Peer,
    parts: Parts,
    body: Body,
    /// What they reach, if that is not everything.
    own: Option<Own>,
}

impl Engine {
    async fn pass(self: Arc<Self>, request: Request) -> Result<Response, Refusal> {
        let (parts, body) = request.into_parts();
        let call = Call::parse(&parts.method, parts.uri.path())?;
        let Some(need) = call.need else { return Ok(self.ping().await) };
        let (granted, peer) = self.permit(&parts, need).await?;
        let version = call.effective_version(self.upstream.newest().await?)?;
        tracing::debug!(
            principal = %granted.principal().account.name,
            method = %call.method,
            call = call.pattern,
            name = call.name,
            "engine call"
        );
        let own = self.own(&granted).await?;
        let mut permitted = Permitted { call, version, granted, peer, parts, body, own };
        let verdict = Verdict::of(permitted.granted.reach(), permitted.call.about);
        match verdict {
            Verdict::Allow | Verdict::Within => {}
            Verdict::Filtered(Kind::Event) => return self.events(permitted).await,
            Verdict::Filtered(kind) => return self.filtered(permitted, kind).await,
            Verdict::Own(kind) | Verdict::OwnWithin(kind) => {
                let within = matches!(verdict, Verdict::OwnWithin(_));
                if let Some(answer) = self.only_own(&mut permitted, kind, within).await? {
                    return Ok(answer);
                }
            }
            Verdict::Hide(kind) => {
                let name = permitted.call.name.clone().unwrap_or_default();
                return Err(Refusal::NotTheirs { kind: kind.word(), name });
            }
        }
        match permitted.call.carries {
            Carries::Nothing | Carries::Ping => self.forward(permitted).await,
            Carries::Version => self.version(permitted).await,
            Carries::Hijack => {
                let until = self.no_mates(&permitted);
                self.hijack(permitted, until).await
            }
            Carries::Image(kind) => self.image_call(kind, permitted).await,
            Carries::Document(kind) => self.document(kind, permitted).await,
            Carries::Build => {
                self.permit_build(&permitted.granted, permitted.call.pattern).await?;
                self.forward(permitted).await
            }
            Carries::BuildTunnel => {
                self.permit_build(&permitted.granted, permitted.call.pattern).await?;
                let until = hijack::builds_end(Arc::clone(&self.gate));
                self.hijack(permitted, Box::pin(until)).await
            }
            Carries::Plugin => {
                if self.gate.enforcing().await? {
                    return Err(Refusal::Plugins);
                }
                self.forward(permitted).await
            }
        }
    }

    /// Who is calling, and may they?
    async fn permit(&self, parts: &Parts, need: Need) -> Result<(Granted, Peer), Refusal> {
        if is_cross_site(parts) {
            return Err(Refusal::CrossSite);
        }
        let peer = parts.extensions.get::<Peer>().cloned().ok_or(Refusal::NoPeer)?;
        let principal = self.accounts.authenticate(peer.certificate_spki(), bearer(parts)).await?;
        let principal = principal.ok_or(Refusal::Unauthenticated)?;
        peer.bind(principal.account.id.as_str(), principal.via.key().map(wharfinger_identity::PublicKeyId::as_str))?;
        Ok((authorize(principal, need)?, peer))
    }

    /// While only signed images run, builds pass only if the policy says so, and each is recorded.
    async fn permit_build(&self, granted: &Granted, call: &str) -> Result<(), Refusal> {
        if !self.gate.enforcing().await? {
            return Ok(());
        }
        if !self.gate.builds_allowed().await? {
            return Err(Refusal::Builds);
        }
        Ok(self.gate.record_build(granted.principal().account.name.as_str(), call).await?)
    }

    /// A call without images: both bodies stream.
    async fn forward(&self, permitted: Permitted) -> Result<Response, Refusal> {
        let until = self.no_mates(&permitted);
        let Permitted { call, version, granted, peer, parts, body, .. } = permitted;
        let cleared = Cleared::untouched(&granted, &call, version, parts.uri.query(), parts.headers, body)?;
        let answer = self.upstream.send(cleared).await?;
        Ok(answer::stream_until(answer, &peer, until))
    }

    /// Clients ask this before they know anything: it says whether the engine is up, and which version to speak.
    async fn ping(&self) -> Response {
        match self.upstream.ping().await {
            Ok(answer) => answer::whole(answer),
            Err(error) => {
                tracing::warn!(error = %error, "the engine did not answer a ping");
                (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response()
            }
        }
    }

    async fn version(&self, permitted: Permitted) -> Result<Response, Refusal> {
        let Permitted { call, version, granted, parts, body, .. } = permitted;
        let cleared = Cleared::untouched(&granted, &call, version, parts.uri.query(), parts.headers, body)?;
        let answer = self.upstream.send(cleared).await?;
        answer::clamp_version(answer).await.map_err(Refusal::from)
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A body that is to be read whole before anything is decided.
async fn whole_body(body: Body) -> Result<bytes::Bytes, Refusal> {
    Ok(wharfinger_transport::whole_body(body, LONGEST_BODY).await?)
}
