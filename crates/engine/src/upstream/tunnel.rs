//! Two connections that have become one stream.

use std::{pin::Pin, sync::Arc, time::Duration};

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, copy, split},
    time::timeout,
};
use wharfinger_transport::Peer;

/// What a client gets to notice that the engine has ended the stream.
const LINGER: Duration = Duration::from_secs(10);

/// A stream between a caller and the engine, before either end has changed its protocol.
pub(crate) struct Tunnel {
    pub(crate) caller: OnUpgrade,
    pub(crate) engine: OnUpgrade,
    pub(crate) peer: Peer,
    /// When it has to end, beyond what ends every stream.
    pub(crate) until: Until,
}

pub(crate) type Until = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Tunnel {
    /// Relays in the background until both directions have ended, the caller is cut off, or the process ends. Neither
    /// connection is used for anything else afterwards: a second request hidden in the stream goes nowhere.
    pub(crate) fn open(self) {
        let Self { caller, engine, peer, until } = self;
        let live = Arc::clone(peer.live());
        live.clone().spawn_tunnel(async move {
            let relayed = async {
                match tokio::try_join!(caller, engine) {
                    Ok((caller, engine)) => both_ways(TokioIo::new(caller), TokioIo::new(engine)).await,
                    Err(error) => tracing::debug!(%error, "a stream could not be opened"),
                }
            };
            tokio::select! {
                () = relayed => {}
                () = until => {}
                () = peer.cancelled().cancelled() => {}
                () = live.ending().cancelled() => {}
            }
        });
    }
}

/// Copies both ways. When one side ends its half, the other is told so and may go on: `echo hi | docker exec -i` needs it.
async fn both_ways<A, B>(caller: A, engine: B)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (mut from_caller, mut to_caller) = split(caller);
    let (mut from_engine, mut to_engine) = split(engine);
    let input = async {
        let copied = copy(&mut from_caller, &mut to_engine).await;
        let _ = to_engine.shutdown().await;
        copied
    };
    let output = async {
        let copied = copy(&mut from_engine, &mut to_caller).await;
        let _ = to_caller.shutdown().await;
        copied
    };
    tokio::pin!(input, output);
    tokio::select! {
        _ = &mut output => {
            // The engine has said all; a client that never closes its own half must not hold the stream for ever.
            let _ = timeout(LINGER, input).await;
        }
        ended = &mut input => {
            if ended.is_ok() {
                let _ = output.await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn one_half_may_end_while_the_other_goes_on() {
        let (mut client, ours) = duplex(64);
        let (theirs, mut engine) = duplex(64);
        let relayed = tokio::spawn(both_ways(ours, theirs));
        client.write_all(b"hi").await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = String::new();
        engine.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "hi");
        engine.write_all(b"hi back").await.unwrap();
        drop(engine);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "hi back");
        relayed.await.unwrap();
    }
}
