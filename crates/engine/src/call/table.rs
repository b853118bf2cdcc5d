//! Every call of the engine's API from 1.24 to 1.51: what it carries, what it needs and what it is about.
//!
//! In a pattern `{x}` is one segment and `{x…}` one or more (names of images and plugins hold slashes). A call that no
//! line matches is refused. Sources: the API reference of each version, and the engine's routers for what it leaves out.
//! Calls newer than that (`/images/{name}/attestations` of 1.55) are unknown here, because their version is refused.

use http::Method;
use wharfinger_auth::Need;

use super::{About, Carries, Document, ImageCall, Kind};
use About::{Inside, List, New, One};
use Carries::{Build, BuildTunnel, Document as Reads, Hijack, Image, Nothing, Ping, Plugin, Version};
use Kind::{Config, Container, Event, Exec, Network, Node, Secret, Service, Task, Volume};
use Need::{Admin, Operate, View, Work};

/// One line of the table.
pub struct Route {
    pub method: Method,
    pub pattern: &'static str,
    pub carries: Carries,
    /// `None`: not even a login.
    pub need: Option<Need>,
    pub about: About,
}

const fn route(method: Method, pattern: &'static str, carries: Carries, need: Need, about: About) -> Route {
    Route { method, pattern, carries, need: Some(need), about }
}

const fn anyone(method: Method, pattern: &'static str, carries: Carries) -> Route {
    Route { method, pattern, carries, need: None, about: About::Nothing }
}

/// Of calls that are about nothing with an owner.
const ALL: About = About::Nothing;

const GET: Method = Method::GET;
const HEAD: Method = Method::HEAD;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

#[rustfmt::skip]
pub const TABLE: &[Route] = &[
    // The engine itself
    anyone(GET,   "/_ping",                              Ping),
    anyone(HEAD,  "/_ping",                              Ping),
    route(GET,    "/version",                            Version, View, ALL),
    route(GET,    "/info",                               Nothing, View, ALL),
    // Has the engine try credentials at the registry they are for; `docker login` asks for it.
    route(POST,   "/auth",                               Nothing, View, ALL),
    route(GET,    "/events",                             Nothing, Work, List(Event)),
    route(GET,    "/system/df",                          Nothing, Operate, ALL),

    // Containers
    route(GET,    "/containers/json",                    Nothing, View, List(Container)),
    route(POST,   "/containers/create",                  Image(ImageCall::ContainerCreate), Work, New(Container)),
    route(POST,   "/containers/prune",                   Nothing, Operate, ALL),
    route(GET,    "/containers/{id}/json",               Nothing, View, One(Container)),
    route(GET,    "/containers/{id}/top",                Nothing, Work, One(Container)),
    route(GET,    "/containers/{id}/logs",               Nothing, Work, One(Container)),
    route(GET,    "/containers/{id}/changes",            Nothing, Work, One(Container)),
    route(GET,    "/containers/{id}/export",             Nothing, Work, Inside(Container)),
    route(GET,    "/containers/{id}/stats",              Nothing, View, One(Container)),
    route(POST,   "/containers/{id}/resize",             Nothing, Work, One(Container)),
    // What exists may always be started, whatever the policy says today.
    route(POST,   "/containers/{id}/start",              Reads(Document::ContainerStart), Work, Inside(Container)),
    route(POST,   "/containers/{id}/stop",               Nothing, Work, One(Container)),
    route(POST,   "/containers/{id}/restart",            Nothing, Work, Inside(Container)),
    route(POST,   "/containers/{id}/kill",               Nothing, Work, One(Container)),
    route(POST,   "/containers/{id}/update",             Reads(Document::ContainerUpdate), Work, Inside(Container)),
    route(POST,   "/containers/{id}/rename",             Reads(Document::ContainerRename), Work, One(Container)),
    route(POST,   "/containers/{id}/pause",              Nothing, Work, One(Container)),
    route(POST,   "/containers/{id}/unpause",            Nothing, Work, One(Container)),
    route(POST,   "/containers/{id}/attach",             Hijack, Work, Inside(Container)),
    route(GET,    "/containers/{id}/attach/ws",          Hijack, Work, Inside(Container)),
    route(POST,   "/containers/{id}/wait",               Nothing, Work, One(Container)),
    route(DELETE, "/containers/{id}",                    Nothing, Work, One(Container)),
    route(HEAD,   "/containers/{id}/archive",            Nothing, Work, Inside(Container)),
    route(GET,    "/containers/{id}/archive",            Nothing, Work, Inside(Container)),
    route(PUT,    "/containers/{id}/archive",            Nothing, Work, Inside(Container)),
    route(GET,    "/containers/{id}/checkpoints",        Nothing, Operate, ALL),
    route(POST,   "/containers/{id}/checkpoints",        Nothing, Operate, ALL),
    route(DELETE, "/containers/{id}/checkpoints/{name}", Nothing, Operate, ALL),
    route(POST,   "/containers/{id}/exec",               Reads(Document::ExecCreate), Work, Inside(Container)),
    route(POST,   "/exec/{id}/start",                    Hijack, Work, Inside(Exec)),
    route(POST,   "/exec/{id}/resize",                   Nothing, Work, One(Exec)),
    route(GET,    "/exec/{id}/json",                     Nothing, Work, One(Exec)),
    // Makes an image that nobody signed: it can be made, and will not run.
    route(POST,   "/commit",                             Reads(Document::Commit), Work, Inside(Container)),

    // Images
    route(GET,    "/images/json",                        Nothing, View, ALL),
    route(GET,    "/images/search",                      Nothing, Work, ALL),
    route(GET,    "/images/get",                         Nothing, Operate, ALL),
    route(POST,   "/images/load",                        Nothing, Operate, ALL),
    route(POST,   "/images/prune",                       Nothing, Operate, ALL),
    route(POST,   "/images/create",                      Image(ImageCall::Pull), Work, New(Kind::Image)),
    route(GET,    "/images/{name…}/json",                Nothing, View, ALL),
    route(GET,    "/images/{name…}/history",             Nothing, View, ALL),
    route(GET,    "/images/{name…}/get",                 Nothing, Operate, ALL),
    route(POST,   "/images/{name…}/push",                Nothing, Operate, ALL),
    route(POST,   "/images/{name…}/tag",                 Nothing, Operate, ALL),
    route(DELETE, "/images/{name…}",                     Nothing, Operate, ALL),
    route(GET,    "/distribution/{name…}/json",          Image(ImageCall::Distribution), Work, ALL),

    // Builds
    route(POST,   "/build",                              Build, Operate, ALL),
    route(POST,   "/build/cancel",                       Nothing, Operate, ALL),
    route(POST,   "/build/prune",                        Nothing, Operate, ALL),
    route(POST,   "/session",                            BuildTunnel, Operate, ALL),
    route(POST,   "/grpc",                               BuildTunnel, Operate, ALL),

    // Networks and volumes
    route(GET,    "/networks",                           Nothing, View, List(Network)),
    route(GET,    "/networks/{id}",                      Nothing, View, One(Network)),
    route(POST,   "/networks/create",                    Reads(Document::NetworkCreate), Work, New(Network)),
    route(POST,   "/networks/prune",                     Nothing, Operate, ALL),
    route(POST,   "/networks/{id}/connect",              Reads(Document::NetworkConnect), Work, Inside(Network)),
    route(POST,   "/networks/{id}/disconnect",           Reads(Document::NetworkDisconnect), Work, Inside(Network)),
    route(DELETE, "/networks/{id}",                      Nothing, Work, One(Network)),
    route(GET,    "/volumes",                            Nothing, View, List(Volume)),
    route(GET,    "/volumes/{name}",                     Nothing, View, One(Volume)),
    route(POST,   "/volumes/create",                     Reads(Document::VolumeCreate), Work, New(Volume)),
    route(POST,   "/volumes/prune",                      Nothing, Operate, ALL),
    route(PUT,    "/volumes/{name}",                     Nothing, Operate, ALL),
    route(DELETE, "/volumes/{name}",                     Nothing, Work, One(Volume)),

    // Swarm
    route(GET,    "/services",                           Nothing, View, List(Service)),
    route(GET,    "/services/{id}",                      Nothing, View, One(Service)),
    route(GET,    "/services/{id}/logs",                 Nothing, Work, One(Service)),
    route(POST,   "/services/create",                    Image(ImageCall::ServiceCreate), Work, New(Service)),
    route(POST,   "/services/{id}/update",               Image(ImageCall::ServiceUpdate), Work, Inside(Service)),
    route(DELETE, "/services/{id}",                      Nothing, Work, One(Service)),
    route(GET,    "/tasks",                              Nothing, View, List(Task)),
    route(GET,    "/tasks/{id}",                         Nothing, View, One(Task)),
    route(GET,    "/tasks/{id}/logs",                    Nothing, Work, One(Task)),
    // Lists of secrets and configs say more than names: a config's list holds its data.
    route(GET,    "/secrets",                            Nothing, Work, List(Secret)),
    route(GET,    "/secrets/{id}",                       Nothing, Work, One(Secret)),
    route(POST,   "/secrets/create",                     Reads(Document::SecretCreate), Work, New(Secret)),
    route(POST,   "/secrets/{id}/update",                Reads(Document::SecretUpdate), Work, One(Secret)),
    route(DELETE, "/secrets/{id}",                       Nothing, Work, One(Secret)),
    route(GET,    "/configs",                            Nothing, Work, List(Config)),
    route(GET,    "/configs/{id}",                       Nothing, Work, One(Config)),
    route(POST,   "/configs/create",                     Reads(Document::ConfigCreate), Work, New(Config)),
    route(POST,   "/configs/{id}/update",                Reads(Document::ConfigUpdate), Work, One(Config)),
    route(DELETE, "/configs/{id}",                       Nothing, Work, One(Config)),
    route(GET,    "/nodes",                              Nothing, View, List(Node)),
    route(GET,    "/nodes/{id}",                         Nothing, View, One(Node)),
    route(POST,   "/nodes/{id}/update",                  Nothing, Admin, ALL),
    route(DELETE, "/nodes/{id}",                         Nothing, Admin, ALL),
    // `GET /swarm` holds the join tokens.
    route(GET,    "/swarm",                              Nothing, Admin, ALL),
    route(GET,    "/swarm/unlockkey",                    Nothing, Admin, ALL),
    route(POST,   "/swarm/init",                         Nothing, Admin, ALL),
    route(POST,   "/swarm/join",                         Nothing, Admin, ALL),
    route(POST,   "/swarm/leave",                        Nothing, Admin, ALL),
    route(POST,   "/swarm/update",                       Nothing, Admin, ALL),
    route(POST,   "/swarm/unlock",                       Nothing, Admin, ALL),

    // Plugins: programs with the engine's rights, from images that carry no signature
    route(GET,    "/plugins",                            Nothing, View, ALL),
    route(GET,    "/plugins/privileges",                 Nothing, Admin, ALL),
    route(POST,   "/plugins/pull",                       Plugin, Admin, ALL),
    route(POST,   "/plugins/create",                     Plugin, Admin, ALL),
    route(GET,    "/plugins/{name…}/json",               Nothing, View, ALL),
    route(POST,   "/plugins/{name…}/enable",             Nothing, Admin, ALL),
    route(POST,   "/plugins/{name…}/disable",            Nothing, Admin, ALL),
    route(POST,   "/plugins/{name…}/push",               Nothing, Admin, ALL),
    route(POST,   "/plugins/{name…}/set",                Nothing, Admin, ALL),
    route(POST,   "/plugins/{name…}/upgrade",            Plugin, Admin, ALL),
    route(DELETE, "/plugins/{name…}",                    Nothing, Admin, ALL),
];

/// The line of the table that the call is, and the name its pattern has a place for. A line without places goes before
/// one with: `/images/json` is the list, never an image called `json`.
pub(crate) fn find(method: &Method, segments: &[String]) -> Option<(&'static Route, Option<String>)> {
    let mut matching = TABLE
        .iter()
        .filter(|route| route.method == *method)
        .filter_map(|route| places(route.pattern, segments).map(|name| (route, name)));
    let first = matching.next()?;
    if first.1.is_none() {
        return Some(first);
    }
    Some(matching.find(|(_, name)| name.is_none()).unwrap_or(first))
}

/// Whether the segments fit the pattern; if so, what stands in its first place.
#[allow(clippy::option_option)]
fn places(pattern: &str, segments: &[String]) -> Option<Option<String>> {
    let pattern: Vec<&str> = pattern.trim_start_matches('/').split('/').collect();
    let wide = pattern.iter().any(|part| part.ends_with("…}"));
    let extra = segments.len().checked_sub(pattern.len())?;
    if extra > 0 && !wide {
        return None;
    }
    let mut name = None;
    let mut rest = segments.iter();
    for part in pattern {
        let taken = if part.ends_with("…}") { extra + 1 } else { 1 };
        let here: Vec<&str> = rest.by_ref().take(taken).map(String::as_str).collect();
        if part.starts_with('{') {
            name.get_or_insert(here.join("/"));
        } else if here != [part] {
            return None;
        }
    }
    Some(name)
}
