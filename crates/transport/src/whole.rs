//! Bodies that are read whole before anything is decided: bounded in length and in the time they may take.

use std::{
    future::Future as _,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::BoxError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use thiserror::Error;
use tokio::time::{Sleep, sleep};

/// A body that trickles holds a call no longer than this.
const BODY_TIME: Duration = Duration::from_mins(1);

/// Why a body could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum NotWhole {
    #[error("the body is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error("the body did not arrive within {} seconds", BODY_TIME.as_secs())]
    TooSlow,
    #[error("the body broke off")]
    BrokeOff,
}

/// The whole body, if it has at most `limit` bytes and comes in time.
pub async fn whole_body<B>(body: B, limit: usize) -> Result<Bytes, NotWhole>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let collected = Limited::new(Prompt::new(body), limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return NotWhole::TooLong { limit };
        }
        error.downcast::<NotWhole>().map_or(NotWhole::BrokeOff, |error| *error)
    })?;
    Ok(collected.to_bytes())
}

/// A body that ends with an error when it is not there in time, for whoever reads it whole.
pub struct Prompt<B> {
    body: B,
    /// Runs from when it was first waited for.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<B> Prompt<B> {
    pub fn new(body: B) -> Self {
        Self { body, waiting: None }
    }
}

impl<B> Body for Prompt<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(BODY_TIME)));
        waiting.as_mut().poll(cx).map(|()| Some(Err(NotWhole::TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};
    use http_body_util::StreamBody;

    use super::*;

    type Piece = Result<Frame<Bytes>, BoxError>;

    fn piece() -> Frame<Bytes> {
        Frame::data(Bytes::from_static(b"ab"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up() {
        let trickle = stream::unfold((), async |()| {
            sleep(Duration::from_secs(10)).await;
            Some((Piece::Ok(piece()), ()))
        });
        assert_eq!(whole_body(StreamBody::new(trickle.boxed()), 1000).await, Err(NotWhole::TooSlow));
        let slow = stream::once(async { sleep(Duration::from_secs(10)).await }).map(|()| Piece::Ok(piece()));
        assert_eq!(whole_body(StreamBody::new(slow.boxed()), 1000).await, Ok(Bytes::from_static(b"ab")));
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_or_broken_is_told_apart() {
        let long = StreamBody::new(stream::iter([Piece::Ok(piece()), Ok(piece())]));
        assert_eq!(whole_body(long, 3).await, Err(NotWhole::TooLong { limit: 3 }));
        let broken: [Piece; 2] = [Ok(piece()), Err("gone".into())];
        assert_eq!(whole_body(StreamBody::new(stream::iter(broken)), 9).await, Err(NotWhole::BrokeOff));
    }
}
