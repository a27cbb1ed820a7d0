//! The list of sessions. It may be of ten thousand: it is put together and written piece by piece, so that the world and every
//! stream go on meanwhile.

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::task::yield_now;

use crate::simulator::actor::{Link, Stopped};
use crate::simulator::world::World;

/// How much is written before others have their turn, in bytes.
const PIECE: usize = 32 * 1024;

/// The sessions that are there, each as it is when its piece is put together; what happens while the answer is read is not in it.
pub(super) async fn response(link: &Link) -> Result<Response, Stopped> {
    let (mut list, mut after) = (Vec::new(), None);
    loop {
        let add = move |world: &mut World, _| {
            let last = world.list_some(after.as_deref(), &mut list);
            (list, last)
        };
        (list, after) = link.ask(add).await?;
        if after.is_none() {
            break;
        }
        yield_now().await;
    }
    let headers =
        [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_LENGTH, list.len().to_string())];
    Ok((headers, in_pieces(list.into())).into_response())
}

fn in_pieces(list: Bytes) -> Body {
    Body::from_stream(stream::unfold(list, |mut left| async {
        if left.is_empty() {
            return None;
        }
        let piece = left.split_to(PIECE.min(left.len()));
        yield_now().await;
        Some((Ok::<_, std::convert::Infallible>(piece), left))
    }))
}
