use time::Duration;
use wharfinger_keys::PrivateKey;
use wharfinger_storage::repositories::Visibility;

use super::collection::Collection;
use super::shelf::{Shelf, Signing, shelf};

const TAGS: &str = "/repositories/ada/app/tags";

async fn with_an_image() -> Shelf {
    let shelf = shelf().await;
    shelf.user("ada").await;
    shelf.repository("ada/app", Visibility::Public).await;
    shelf
}

#[tokio::test]
async fn signed_stands_beside_the_size_with_the_role_and_for_people_of_this_registry_the_account() {
    let (shelf, key) = (with_an_image().await, PrivateKey::generate_p256());
    shelf.key_of("ada", &key).await;
    let pushed = shelf.push("ada/app", "1", "").await;
    shelf.browser().get(TAGS).await.is(200).says("34 MB").says("not signed").hides(">Signed<");
    shelf.sign("ada/app", "1", &pushed, Signing::by("qa", &key)).await;
    let page = shelf.browser().get(TAGS).await.is(200);
    page.says("<td>34 MB <span class=\"badge good\">Signed</span></td>")
        .says("linux/arm64/v8")
        .says("by pusher")
        .says("<td>qa<span")
        .hides("(ada)")
        .hides("another digest is signed");
    shelf.browser_of("ada").await.get(TAGS).await.is(200).says("qa (ada)");
    let id = key.public_key().canonical_id().to_string();
    let tag = shelf.browser_of("ada").await.get("/repositories/ada/app/tags/1").await.is(200);
    tag.says(&id)
        .says(pushed.digest.as_str())
        .says("<td>ada</td>")
        .says("/bin/app")
        .says("docker trust sign dtr.test:5443/ada/app:1");
    let tag = shelf.browser().get("/repositories/ada/app/tags/1").await.is(200);
    tag.says(&id).says("sign in to see").hides("<td>ada</td>");
}

#[tokio::test]
async fn a_tag_that_was_pushed_again_after_it_was_signed_is_shown_as_a_mismatch() {
    let (shelf, key) = (with_an_image().await, PrivateKey::generate_p256());
    let signed = shelf.push("ada/app", "1", "first").await;
    shelf.sign("ada/app", "1", &signed, Signing::by("qa", &key)).await;
    shelf.push("ada/app", "1", "second").await;
    let nobody = shelf.browser();
    nobody.get(TAGS).await.is(200).says("another digest is signed").says("<span class=\"badge warn\">Signed</span>");
    nobody
        .get("/repositories/ada/app/tags/1")
        .await
        .is(200)
        .says("pushed again after it was signed")
        .says(signed.digest.as_str());
}

#[tokio::test]
async fn an_expired_signature_is_shown_as_expired() {
    let (shelf, key) = (with_an_image().await, PrivateKey::generate_p256());
    let pushed = shelf.push("ada/app", "1", "").await;
    shelf.sign("ada/app", "1", &pushed, Signing { lives: -Duration::days(1), ..Signing::by("qa", &key) }).await;
    let nobody = shelf.browser();
    nobody.get(TAGS).await.is(200).says("<span class=\"badge bad\">expired</span>");
    nobody.get("/repositories/ada/app/tags/1").await.is(200).says("The signature has expired");
    nobody.get("/repositories/ada/app/trust").await.is(200).says("<span class=\"badge bad\">expired</span>");
}

#[tokio::test]
async fn a_role_whose_signature_does_not_hold_signs_for_nobody() {
    let (shelf, key) = (with_an_image().await, PrivateKey::generate_p256());
    let pushed = shelf.push("ada/app", "1", "").await;
    shelf.sign("ada/app", "1", &pushed, Signing { forged: true, ..Signing::by("qa", &key) }).await;
    let nobody = shelf.browser();
    nobody.get(TAGS).await.is(200).says("no signer's role").hides("<td>qa");
    nobody.get("/repositories/ada/app/trust").await.is(200).says("not enough of its keys have signed");
}

#[tokio::test]
async fn a_signed_tag_that_was_never_pushed_is_told_apart() {
    let (shelf, key) = (with_an_image().await, PrivateKey::generate_p256());
    let pushed = shelf.push("ada/app", "1", "").await;
    shelf.sign("ada/app", "2", &pushed, Signing::by("qa", &key)).await;
    shelf.browser().get(TAGS).await.is(200).says("Signed, but not pushed").says("<td>2</td>").says("not signed");
}

#[tokio::test]
async fn however_many_tags_are_signed_or_pushed_each_stands_on_one_page() {
    let (shelf, key) = (with_an_image().await, PrivateKey::generate_p256());
    let pushed = shelf.push("ada/app", "a000", "").await;
    for number in (0..150).step_by(3) {
        shelf.tag("ada/app", &format!("a{number:03}"), &pushed).await;
    }
    let mut collection = Collection::new("dtr.test:5443/ada/app", "qa", &key, Duration::days(30));
    for number in 0..140 {
        collection.tag(&format!("a{number:03}"), Some(&pushed.target));
    }
    collection.publish(&shelf.sql, &collection.all(), None, time::OffsetDateTime::now_utc()).await;
    let (nobody, mut path, mut found) = (shelf.browser(), TAGS.to_owned(), Vec::new());
    for pages in 1.. {
        let text = nobody.get(&path).await.is(200).text();
        for number in 0..150 {
            let name = format!("a{number:03}");
            let there = text.contains(&format!(">{name}</a></td>"));
            let missing = text.contains(&format!("<td>{name}</td>"));
            found.extend((there || missing).then_some((name, there)));
        }
        let Some((_, next)) = text.split_once("/tags?after=") else {
            assert_eq!(pages, 3, "50 names on a page");
            break;
        };
        path = format!("{TAGS}?after={}", next.split('"').next().unwrap());
    }
    let all: Vec<(String, bool)> = (0..150)
        .filter(|number| *number < 140 || number % 3 == 0)
        .map(|number| (format!("a{number:03}"), number % 3 == 0))
        .collect();
    assert_eq!(found, all, "each once, and pushed ones told from those that are only signed");
}

#[tokio::test]
async fn the_roles_are_drawn_and_stand_in_a_table_with_keys_and_versions() {
    let (shelf, key) = (with_an_image().await, PrivateKey::generate_p256());
    let pushed = shelf.push("ada/app", "1", "").await;
    shelf.sign("ada/app", "1", &pushed, Signing::by("qa", &key)).await;
    let page = shelf.browser().get("/repositories/ada/app/trust").await.is(200);
    assert_eq!(page.text().matches("<rect").count(), 6, "root, targets, snapshot, timestamp, releases, qa");
    assert_eq!(page.text().matches("<path").count(), 5, "each but the root below its parent");
    page.says("targets/qa").says("targets/releases").says("version 1").says(&key.public_key().canonical_id().to_string());
}

#[tokio::test]
async fn what_images_say_of_themselves_is_text_and_nothing_else() {
    let shelf = with_an_image().await;
    shelf.push("ada/app", "1", "<img src=x onerror=alert(1)>\"'&").await;
    let page = shelf.browser().get("/repositories/ada/app/tags/1").await.is(200);
    page.hides("<img").says("&#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;");
}
