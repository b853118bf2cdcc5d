//! Blobs in files: what is acknowledged is there after a reopening, what is wrong leaves nothing.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sha2::Digest as _;
use wharfinger_oci::Digest;
use wharfinger_storage::blobs::{AppendError, Blobs, ByteStream, Finished, UploadId};
use wharfinger_storage_blob::BlobFiles;

fn bytes(content: &[u8]) -> ByteStream {
    let pieces: Vec<_> = content.chunks(70_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces).boxed()
}

/// Content longer than the driver's buffers.
fn long() -> Vec<u8> {
    (0..900_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

async fn store(folder: &Path) -> BlobFiles {
    BlobFiles::open(folder).await.unwrap()
}

async fn read(blobs: &BlobFiles, digest: &Digest) -> io::Result<Vec<u8>> {
    let opened = blobs.open(digest, None).await.unwrap().unwrap();
    opened.content.map_ok(|bytes| bytes.to_vec()).try_concat().await
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn an_upload_in_pieces_becomes_the_blob_and_survives_reopening_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let (content, id) = (long(), UploadId::generate());
    let digest = Digest::sha256(&content);
    let first = store(folder.path()).await;
    first.begin(&id).await.unwrap();
    assert_eq!(first.append(&id, Some(0), bytes(&content[..300_001])).await.unwrap(), 300_001);
    drop(first);
    let second = store(folder.path()).await;
    assert_eq!(second.received(&id).await.unwrap(), Some(300_001));
    assert_eq!(second.append(&id, None, bytes(&content[300_001..])).await.unwrap(), 900_000);
    drop(second);
    let third = store(folder.path()).await;
    assert_eq!(third.finish(&id, &digest).await.unwrap(), Finished::Stored(900_000));
    assert_eq!(third.size(&digest).await.unwrap(), Some(900_000));
    assert_eq!(read(&third, &digest).await.unwrap(), content);
    assert_eq!(third.received(&id).await.unwrap(), None);
    assert_eq!(files(folder.path()).len(), 1, "only the blob is left");
}

#[tokio::test]
async fn a_lost_or_foreign_running_hash_is_made_again_from_the_bytes() {
    for damage in [None, Some(&b""[..]), Some(&[0; 112][..]), Some(&[7; 500][..])] {
        let folder = tempfile::tempdir().unwrap();
        let (blobs, id) = (store(folder.path()).await, UploadId::generate());
        blobs.begin(&id).await.unwrap();
        blobs.append(&id, None, bytes(b"one ")).await.unwrap();
        let running = folder.path().join(format!("uploads/{id}.hash"));
        match damage {
            None => std::fs::remove_file(running).unwrap(),
            Some(damage) => std::fs::write(running, damage).unwrap(),
        }
        blobs.append(&id, Some(4), bytes(b"two")).await.unwrap();
        assert_eq!(blobs.finish(&id, &Digest::sha256(b"one two")).await.unwrap(), Finished::Stored(7));
    }
}

#[tokio::test]
async fn content_that_is_not_what_the_digest_names_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, id) = (store(folder.path()).await, UploadId::generate());
    blobs.begin(&id).await.unwrap();
    blobs.append(&id, None, bytes(b"right")).await.unwrap();
    assert_eq!(blobs.finish(&id, &Digest::sha256(b"wrong")).await.unwrap(), Finished::Mismatch);
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
    assert_eq!(blobs.finish(&id, &Digest::sha256(b"right")).await.unwrap(), Finished::Absent);
}

#[tokio::test]
async fn sha512_is_checked_too() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, id) = (store(folder.path()).await, UploadId::generate());
    let digest: Digest = format!("sha512:{}", hex::encode(sha2::Sha512::digest(b"x"))).parse().unwrap();
    blobs.begin(&id).await.unwrap();
    blobs.append(&id, None, bytes(b"x")).await.unwrap();
    assert_eq!(blobs.finish(&id, &digest).await.unwrap(), Finished::Stored(1));
    assert_eq!(read(&blobs, &digest).await.unwrap(), b"x");
}

#[tokio::test]
async fn content_for_another_place_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, id) = (store(folder.path()).await, UploadId::generate());
    assert!(matches!(blobs.append(&id, None, bytes(b"x")).await, Err(AppendError::Absent)));
    blobs.begin(&id).await.unwrap();
    blobs.append(&id, None, bytes(b"abc")).await.unwrap();
    for at in [0, 2, 4] {
        assert!(matches!(blobs.append(&id, Some(at), bytes(b"x")).await, Err(AppendError::OutOfOrder(3))));
    }
    assert_eq!(blobs.received(&id).await.unwrap(), Some(3));
}

#[tokio::test]
async fn what_came_before_a_broken_connection_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, id) = (store(folder.path()).await, UploadId::generate());
    blobs.begin(&id).await.unwrap();
    let broken = stream::iter([Ok(Bytes::from_static(b"abc")), Err(io::Error::other("gone"))]).boxed();
    assert!(matches!(blobs.append(&id, None, broken).await, Err(AppendError::Interrupted(_))));
    assert_eq!(blobs.append(&id, Some(3), bytes(b"def")).await.unwrap(), 6);
    assert_eq!(blobs.finish(&id, &Digest::sha256(b"abcdef")).await.unwrap(), Finished::Stored(6));
}

#[tokio::test]
async fn two_requests_cannot_add_to_one_upload_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, id) = (store(folder.path()).await, UploadId::generate());
    blobs.begin(&id).await.unwrap();
    let (sender, receiver) = tokio::sync::mpsc::channel::<io::Result<Bytes>>(1);
    let slow = stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|item| (item, receiver)) }).boxed();
    let first = {
        let blobs = blobs.clone();
        tokio::spawn(async move { blobs.append(&id, None, slow).await })
    };
    // The first one reads from its stream only once it has its turn.
    sender.send(Ok(Bytes::from_static(b"a"))).await.unwrap();
    sender.reserve().await.unwrap().send(Ok(Bytes::from_static(b"b")));
    assert!(matches!(blobs.append(&id, None, bytes(b"x")).await, Err(AppendError::Busy)));
    assert_eq!(blobs.finish(&id, &Digest::sha256(b"")).await.unwrap(), Finished::Busy);
    drop(sender);
    assert_eq!(first.await.unwrap().unwrap(), 2);
}

#[tokio::test]
async fn a_damaged_blob_never_reads_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = store(folder.path()).await;
    for content in [b"short".to_vec(), long()] {
        let (id, digest) = (UploadId::generate(), Digest::sha256(&content));
        blobs.begin(&id).await.unwrap();
        blobs.append(&id, None, bytes(&content)).await.unwrap();
        blobs.finish(&id, &digest).await.unwrap();
        assert_eq!(read(&blobs, &digest).await.unwrap(), content);
        let file = folder.path().join("sha256").join(&digest.hex()[..2]).join(digest.hex());
        let mut stored = std::fs::read(&file).unwrap();
        stored[0] ^= 1;
        std::fs::write(&file, stored).unwrap();
        assert!(read(&blobs, &digest).await.is_err());
        let opened = blobs.open(&digest, None).await.unwrap().unwrap();
        let seen: usize = opened
            .content
            .take_while(|item| std::future::ready(item.is_ok()))
            .map(|item| item.unwrap().len())
            .collect::<Vec<_>>()
            .await
            .iter()
            .sum();
        assert!(seen < content.len(), "the last bytes are withheld");
        // Pushed again, it is whole again.
        blobs.begin(&id).await.unwrap();
        blobs.append(&id, None, bytes(&content)).await.unwrap();
        blobs.finish(&id, &digest).await.unwrap();
        assert_eq!(read(&blobs, &digest).await.unwrap(), content);
    }
}

#[tokio::test]
async fn a_part_of_a_blob_is_read_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, id, content) = (store(folder.path()).await, UploadId::generate(), long());
    let digest = Digest::sha256(&content);
    blobs.begin(&id).await.unwrap();
    blobs.append(&id, None, bytes(&content)).await.unwrap();
    blobs.finish(&id, &digest).await.unwrap();
    for range in [0..=0, 5..=600_000, 899_999..=899_999] {
        let opened = blobs.open(&digest, Some(range.clone())).await.unwrap().unwrap();
        let part: Vec<u8> = opened.content.map_ok(|bytes| bytes.to_vec()).try_concat().await.unwrap();
        let (start, end) = (usize::try_from(*range.start()).unwrap(), usize::try_from(*range.end()).unwrap());
        assert_eq!(part, &content[start..=end]);
    }
}

#[tokio::test]
async fn the_empty_blob_is_a_blob() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, id) = (store(folder.path()).await, UploadId::generate());
    blobs.begin(&id).await.unwrap();
    assert_eq!(blobs.finish(&id, &Digest::sha256(b"")).await.unwrap(), Finished::Stored(0));
    assert_eq!(read(&blobs, &Digest::sha256(b"")).await.unwrap(), b"");
}

#[tokio::test]
async fn what_is_forgotten_or_removed_is_absent() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, id) = (store(folder.path()).await, UploadId::generate());
    blobs.begin(&id).await.unwrap();
    blobs.append(&id, None, bytes(b"x")).await.unwrap();
    assert_eq!(blobs.uploads().await.unwrap(), [id]);
    blobs.discard(&id).await.unwrap();
    blobs.discard(&id).await.unwrap();
    assert_eq!(blobs.uploads().await.unwrap(), []);
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
    let digest = Digest::sha256(b"y");
    blobs.begin(&id).await.unwrap();
    blobs.append(&id, None, bytes(b"y")).await.unwrap();
    blobs.finish(&id, &digest).await.unwrap();
    blobs.remove(&digest).await.unwrap();
    blobs.remove(&digest).await.unwrap();
    assert!(blobs.open(&digest, None).await.unwrap().is_none());
    assert_eq!(blobs.size(&digest).await.unwrap(), None);
}

#[tokio::test]
async fn nobody_else_on_the_machine_reads_blobs() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let blobs = folder.path().join("blobs");
    std::fs::create_dir(&blobs).unwrap();
    std::fs::set_permissions(&blobs, std::fs::Permissions::from_mode(0o755)).unwrap();
    BlobFiles::open(&blobs).await.unwrap();
    assert_eq!(std::fs::metadata(&blobs).unwrap().permissions().mode() & 0o777, 0o700);
}
