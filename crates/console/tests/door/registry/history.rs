use time::{Duration, OffsetDateTime};
use wharfinger_keys::PrivateKey;
use wharfinger_storage::collections::Collections as _;
use wharfinger_storage::repositories::Visibility;
use wharfinger_tuf::{Hashes, RoleName, TargetFile};

use super::collection::{Collection, role};
use super::shelf::{HOST, Shelf, shelf};
use crate::browser::Answer;

const TRUST: &str = "/repositories/ada/app/trust";
const TAG: &str = "/repositories/ada/app/tags/1";
const GUN: &str = "dtr.test:5443/ada/app";

async fn with_an_image() -> Shelf {
    let shelf = shelf().await;
    assert!(GUN.starts_with(HOST));
    for name in ["ada", "quinn"] {
        shelf.user(name).await;
    }
    shelf.repository("ada/app", Visibility::Public).await;
    shelf
}

fn image(content: &str) -> TargetFile {
    TargetFile { custom: None, hashes: Hashes::of(content.as_bytes()), length: content.len() as u64 }
}

/// The words of each row of the history, without markup.
fn rows(page: &Answer) -> Vec<String> {
    let text = page.text();
    let Some((_, table)) = text.split_once("id=\"history-list\"") else { return Vec::new() };
    let table = table.split("</table>").next().unwrap();
    let words = |row: &str| {
        let cell = row.rsplit("<td>").next().unwrap().replace("<span", " <span");
        let text = cell.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect::<String>();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    table.split("<tr>").skip(2).map(words).collect()
}

fn short(target: &TargetFile) -> String {
    target.digest().unwrap().trim_start_matches("sha256:").chars().take(12).collect()
}

#[tokio::test]
async fn who_signed_and_revoked_what_stands_there_newest_first() {
    let (shelf, key) = (with_an_image().await, PrivateKey::generate_p256());
    shelf.key_of("quinn", &key).await;
    let pushed = shelf.push("ada/app", "1", "").await;
    let (ada, quinn) = (shelf.principal("ada").await.account, shelf.principal("quinn").await.account);
    let (mut collection, hour) =
        (Collection::new(GUN, "qa", &key, Duration::days(30)), |hours| OffsetDateTime::now_utc() - Duration::hours(hours));
    let signers = [role("targets/qa"), RoleName::releases()];
    let (sql, other) = (&*shelf.sql, image("other"));
    collection.publish(sql, &collection.all(), Some(&ada), hour(9)).await;
    collection.tag("1", Some(&pushed.target));
    collection.publish(sql, &signers, Some(&quinn), hour(8)).await;
    collection.tag("2", Some(&other));
    collection.publish(sql, &signers, None, hour(7)).await;
    collection.tag("1", Some(&other));
    collection.publish(sql, &signers, Some(&quinn), hour(6)).await;
    collection.tag("1", None);
    collection.publish(sql, &signers, Some(&quinn), hour(5)).await;
    collection.publish(sql, &signers[..1], Some(&quinn), hour(4)).await;
    collection.file(&RoleName::Targets).delegations.roles.retain(|one| one.name != role("targets/qa"));
    collection.publish(sql, &[RoleName::Targets], Some(&ada), hour(3)).await;

    let (first, second) = (short(&pushed.target), short(&other));
    let key_id = wharfinger_tuf::TufKey::from_public_key(key.public_key()).canonical_id().to_string();
    let with = format!("with {} of quinn", &key_id[..12]);
    let told = rows(&shelf.browser_of("ada").await.get(TRUST).await.is(200));
    assert_eq!(told.len(), 7, "{told:#?}");
    assert!(told[0].starts_with("ada removed the signer qa, whose signature stood on 2 targets signed with "), "{}", told[0]);
    assert!(told[1].starts_with("quinn signed targets/qa anew, with nothing changed"), "{}", told[1]);
    assert!(told[2].starts_with(&format!("quinn revoked 1 → {second}, signed as qa")), "{}", told[2]);
    assert!(told[3].starts_with(&format!("quinn signed 1 → {second} as qa, before {first}")), "{}", told[3]);
    assert!(told[4].starts_with(&format!("Somebody (not known who) signed 2 → {second} as qa")), "{}", told[4]);
    assert!(
        told[5].starts_with(&format!("quinn signed 1 → {first} as qa targets/qa, targets/releases signed {with}")),
        "{}",
        told[5]
    );
    assert!(told[6].contains("ada began the trust data with the root key"), "{}", told[6]);
    assert!(told[6].contains("ada let qa sign with ") && told[6].contains("ada let the releases sign with "), "{}", told[6]);

    // Of one tag, what touches it: neither the other tag nor the signer who did not stand on it any more.
    let told = rows(&shelf.browser_of("ada").await.get(TAG).await.is(200));
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told[0].starts_with("quinn revoked 1") && told[2].starts_with("quinn signed 1"), "{told:#?}");

    let nobody = shelf.browser().get(TRUST).await.is(200).says("to see who it was");
    assert!(rows(&nobody)[5].starts_with("Somebody signed 1"), "{:?}", rows(&nobody));
    let text = nobody.text();
    let (_, history) = text.split_once("history-list").unwrap();
    assert!(!history.contains("quinn") && !history.contains(">ada<"), "who is told to those who have signed in");
}

#[tokio::test]
async fn removing_a_signer_touches_the_tags_they_stood_on() {
    let (shelf, key) = (with_an_image().await, PrivateKey::generate_p256());
    let pushed = shelf.push("ada/app", "1", "").await;
    let mut collection = Collection::new(GUN, "qa", &key, Duration::days(30));
    collection.tag("1", Some(&pushed.target));
    let now = OffsetDateTime::now_utc();
    collection.publish(&shelf.sql, &collection.all(), None, now - Duration::hours(2)).await;
    collection.file(&RoleName::Targets).delegations.roles.retain(|one| one.name != role("targets/qa"));
    collection.publish(&shelf.sql, &[RoleName::Targets], None, now - Duration::hours(1)).await;
    let told = rows(&shelf.browser().get(TAG).await.is(200));
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("Somebody removed the signer qa, whose signature stood on 1"), "{told:#?}");
}

#[tokio::test]
async fn what_expired_is_in_the_history_whether_it_was_signed_anew_or_not() {
    let (shelf, key) = (with_an_image().await, PrivateKey::generate_p256());
    let pushed = shelf.push("ada/app", "1", "").await;
    let mut collection = Collection::new(GUN, "qa", &key, -Duration::days(2));
    collection.tag("1", Some(&pushed.target));
    let now = OffsetDateTime::now_utc();
    collection.publish(&shelf.sql, &collection.all(), None, now - Duration::days(3)).await;
    let told = rows(&shelf.browser().get(TRUST).await.is(200));
    assert!(told.iter().any(|row| row == "targets/qa expired: it has to be signed anew"), "{told:#?}");
    assert!(told.last().unwrap().contains("began the trust data"), "{told:#?}");
    assert!(rows(&shelf.browser().get(TAG).await).iter().any(|row| row.starts_with("targets/qa expired")));
    collection.expires = now + Duration::days(30);
    collection.publish(&shelf.sql, &collection.all(), None, now - Duration::days(1)).await;
    let told = rows(&shelf.browser().get(TRUST).await.is(200));
    assert!(told[0].contains("targets/releases signed with") && told[0].contains("had expired") && told.len() == 2, "{told:#?}");
}

#[tokio::test]
async fn a_long_history_comes_in_pages_and_the_deletion_of_trust_data_is_told() {
    let (shelf, key) = (with_an_image().await, PrivateKey::generate_p256());
    let (now, ada) = (OffsetDateTime::now_utc(), shelf.principal("ada").await.account);
    let mut collection = Collection::new(GUN, "qa", &key, Duration::days(30));
    collection.publish(&shelf.sql, &collection.all(), None, now - Duration::hours(200)).await;
    for number in 1..=45 {
        for tag in 0..if number == 45 { 40 } else { 1 } {
            collection.tag(&format!("{number}.{tag}"), Some(&image(&format!("{number} {tag}"))));
        }
        collection
            .publish(&shelf.sql, &[role("targets/qa"), RoleName::releases()], Some(&ada), now - Duration::hours(100 - number))
            .await;
    }
    let nobody = shelf.browser();
    let (mut page, mut told) = (nobody.get(TRUST).await.is(200), Vec::new());
    assert!(rows(&page)[0].contains("and 10 more of this kind"), "{:?}", rows(&page)[0]);
    loop {
        told.extend(rows(&page));
        let text = page.text();
        let Some((_, rest)) = text.split_once("href=\"?before=") else { break };
        page = nobody.get(&format!("{TRUST}?before={}", rest.split(['"', '#']).next().unwrap())).await.is(200);
    }
    assert_eq!(told.len(), 46, "each once");
    assert!(told[44].starts_with("Somebody signed 1.0") && told[45].contains("began"), "{told:#?}");

    let by = wharfinger_storage::collections::Publisher { id: ada.id.clone(), name: "ada".to_owned() };
    assert!(shelf.sql.delete(GUN, Some(&by), now).await.unwrap());
    let told = rows(&shelf.browser_of("quinn").await.get(TRUST).await.is(200));
    assert_eq!(told, ["ada deleted all trust data; nothing is kept of what was before"]);
}
