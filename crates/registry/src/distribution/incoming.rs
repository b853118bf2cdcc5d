//! Bodies as they come in, from clients that may fall silent.

use std::io;
use std::time::Duration;

use axum::body::Body;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use wharfinger_storage::blobs::ByteStream;

/// A client that sends nothing for this long has gone. Until then its upload is its own.
const SILENCE: Duration = Duration::from_mins(2);

pub(crate) fn stream_of(body: Body) -> ByteStream {
    unless_silent(body.into_data_stream().map_err(io::Error::other).boxed())
}

fn unless_silent(content: ByteStream) -> ByteStream {
    let pieces = stream::unfold(Some(content), async |content| {
        let mut content = content?;
        match tokio::time::timeout(SILENCE, content.next()).await {
            Ok(piece) => piece.map(|piece| (piece, Some(content))),
            Err(_) => Some((Err(io::Error::new(io::ErrorKind::TimedOut, "the client fell silent")), None)),
        }
    });
    pieces.boxed()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_falls_silent_is_not_waited_for() {
        let piece = || stream::iter([Ok(Bytes::from_static(b"a"))]);
        let read: Vec<_> = unless_silent(piece().chain(stream::pending()).boxed()).collect().await;
        assert!(matches!(read.as_slice(), [Ok(_), Err(error)] if error.kind() == io::ErrorKind::TimedOut));
        let read: Vec<_> = unless_silent(piece().boxed()).collect().await;
        assert!(matches!(read.as_slice(), [Ok(_)]));
    }
}
