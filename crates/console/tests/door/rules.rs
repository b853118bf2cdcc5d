//! Rules and exemptions, written in forms.

use serde_json::{Value, json};

use crate::browser::{Answer, Browser, PASSWORD};
use crate::house::{House, house};

const TRUST: &str = "/manage/settings/contenttrust";

const RULE: [(&str, &str); 8] = [
    ("rule-form", "new"),
    ("rule-images", "dtr.test/pay/*\n\n dtr.test/labs/app "),
    ("rule-namespaces", ""),
    ("rule-teams", "acme/qa"),
    ("rule-users", ""),
    ("rule-at-least", ""),
    ("rule-mode", "enforce"),
    ("do", "put-rule"),
];

const EXEMPTION: [(&str, &str); 8] = [
    ("exemption-form", "new"),
    ("exemption-repository", "dtr.test/vendor/*"),
    ("exemption-digest", ""),
    ("exemption-namespaces", ""),
    ("exemption-reason", "they sign soon"),
    ("exemption-requested-by", "quinn"),
    ("exemption-expires", "2999-01-31 12:00"),
    ("do", "put-exemption"),
];

async fn stage() -> House {
    let house = house().await;
    for name in ["quinn", "sam"] {
        house.user(name).await;
    }
    house.team("acme", "qa", "quinn").await;
    house.team("acme", "security", "sam").await;
    house
}

/// What the page's form would send besides what somebody types: its hidden fields, and the choices as they stand.
fn kept(page: &Answer) -> Vec<(String, String)> {
    let text = page.text();
    let (_, form) = text.split_once("<form method=\"post\" action=\"/manage/settings/contenttrust\">").expect("the form");
    let plain = |text: &str| {
        let escapes = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
        escapes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    let hidden = form.split("<input type=\"hidden\" name=\"").skip(1).map(|rest| {
        let (name, rest) = rest.split_once("\" value=\"").unwrap();
        (name.to_owned(), plain(rest.split_once('"').unwrap().0))
    });
    let mut fields: Vec<(String, String)> = hidden.filter(|(name, _)| name != "token" && !name.ends_with("-form")).collect();
    fields.push(("signers".to_owned(), "any".to_owned()));
    fields
}

/// The page's form as it stands, with these fields.
async fn send(admin: &Browser, page: &Answer, fields: &[(&str, &str)]) -> Answer {
    let kept = kept(page);
    let all: Vec<(&str, &str)> = kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    admin.submit(TRUST, &[all.as_slice(), fields].concat()).await
}

fn with<'a>(base: &[(&'a str, &'a str)], field: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    base.iter().map(|pair| if pair.0 == field { (field, value) } else { *pair }).collect()
}

/// The documents that the draft holds under that name.
fn drafted(page: &Answer, name: &str) -> Vec<Value> {
    let fields = kept(page).into_iter().filter(|(known, _)| known == name);
    fields.map(|(_, text)| serde_json::from_str(&text).unwrap()).collect()
}

async fn trust(house: &House) -> Value {
    let trust = house.console.cluster.current().await.unwrap().configuration.trust;
    serde_json::to_value(wharfinger_policy::TrustDocument::from(&trust)).unwrap()
}

#[tokio::test]
async fn every_field_of_a_rule_is_in_the_rule_that_is_written() {
    let house = stage().await;
    let admin = house.browser_of("admin").await;
    let page = admin.get(TRUST).await.is(200);
    let opened = send(&admin, &page, &[("do", "rule:new")]).await.is(200);
    opened.says("id=\"rule-form\"").says("A new rule").says("id=\"rule-enforce\" name=\"rule-mode\" value=\"enforce\" checked");
    let base = json!({"images": ["dtr.test/pay/*", "dtr.test/labs/app"], "require": {"teams": ["acme/qa"]}, "mode": "enforce"});
    let written = send(&admin, &page, &RULE).await.is(200);
    assert_eq!(drafted(&written, "rule"), std::slice::from_ref(&base));
    written
        .says("Images of dtr.test/pay/* and dtr.test/labs/app need the signature of a member of acme/qa.")
        .says("not saved yet");
    for (field, value, place, then) in [
        ("rule-images", "dtr.test/other/*", "/images", json!(["dtr.test/other/*"])),
        ("rule-namespaces", "pay\nteam-*", "/namespaces", json!(["pay", "team-*"])),
        ("rule-teams", "acme/qa\nacme/security", "/require/teams", json!(["acme/qa", "acme/security"])),
        ("rule-users", "sam", "/require/users", json!(["sam"])),
        ("rule-at-least", "1", "/require/at_least", json!(1)),
        ("rule-mode", "audit", "/mode", json!("audit")),
    ] {
        let rule = drafted(&send(&admin, &page, &with(&RULE, field, value)).await.is(200), "rule").remove(0);
        assert_eq!(rule.pointer(place), Some(&then), "{field}");
        assert_ne!(base.pointer(place), Some(&then), "{field}");
        // And is there again when the rule is changed.
        let first = send(&admin, &page, &with(&RULE, field, value)).await;
        let again = send(&admin, &first, &[("do", "rule:0")]).await.is(200).says("Change rule 1");
        match field {
            "rule-mode" => drop(again.says("value=\"audit\" checked")),
            "rule-at-least" => drop(again.says("value=\"1\"")),
            _ => drop(again.says(&format!(">{value}</textarea>"))),
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_rule_stands_at_its_field_and_nothing_that_was_typed_is_lost() {
    let house = stage().await;
    let new = wharfinger_auth::NewTeam { name: "empty".to_owned(), description: String::new() };
    house.console.directory.create_team(&house.principal("admin").await, "acme", new).await.unwrap();
    let admin = house.browser_of("admin").await;
    let page = admin.get(TRUST).await.is(200);
    for (field, value, at, why) in [
        ("rule-images", "", "images", "Write at least one"),
        ("rule-images", "dtr.test/<b>*", "images", "is not a repository pattern"),
        ("rule-images", "dtr.test/pay/*\nbusybox", "images", "`busybox` is not a repository pattern"),
        ("rule-namespaces", "Pay", "namespaces", "is not a namespace"),
        ("rule-namespaces", "*", "namespaces", "is not a namespace"),
        ("rule-teams", "", "teams", "Name a team or a user"),
        ("rule-teams", "acme/nobody", "teams", "there is no team"),
        ("rule-teams", "acme/empty", "teams", "no active member"),
        ("rule-users", "nobody", "users", "there is no user"),
        ("rule-at-least", "0", "at-least", "from 1 to 1"),
        ("rule-at-least", "2", "at-least", "from 1 to 1"),
        ("rule-at-least", "all", "at-least", "Write a number"),
        ("rule-at-least", "-1", "at-least", "Write a number"),
    ] {
        let answer = send(&admin, &page, &with(&RULE, field, value)).await.is(400).hides("<b>");
        let text = answer.text();
        let (_, said) =
            text.split_once(&format!("id=\"rule-{at}-wrong\">")).unwrap_or_else(|| panic!("{field} {value:?}: {text}"));
        assert!(said.split('<').next().unwrap().contains(why), "{field} {value:?}: {said}");
        assert_eq!(text.matches("class=\"wrong\"").count(), 1, "{field} {value:?}");
        let plain = value.replace('<', "&#60;").replace('>', "&#62;");
        assert!(text.contains(&plain) && drafted(&answer, "rule").is_empty(), "{field} {value:?}");
        for (name, typed) in RULE.iter().filter(|(name, _)| *name == "rule-images" && *name != field) {
            assert!(text.contains(typed.trim()), "{name} is kept");
        }
    }
    let both = with(&with(&RULE, "rule-images", "nothing"), "rule-teams", "");
    assert_eq!(send(&admin, &page, &both).await.is(400).text().matches("class=\"wrong\"").count(), 2, "all at once");
    // After one that matches the same.
    let first = send(&admin, &page, &RULE).await.is(200);
    send(&admin, &first, &with(&RULE, "rule-images", "dtr.test/pay/app")).await.is(400).says("it is never reached");
}

#[tokio::test]
async fn rules_are_changed_moved_and_removed_and_saved_after_a_preview() {
    let house = stage().await;
    let admin = house.browser_of("admin").await;
    let page = admin.get(TRUST).await.is(200);
    let page = send(&admin, &page, &RULE).await.is(200);
    let second = with(&with(&RULE, "rule-images", "dtr.test/labs/*"), "rule-mode", "audit");
    let page = send(&admin, &page, &second).await.is(200);
    let page = send(&admin, &page, &[("do", "rule-up:1")]).await.is(200);
    assert_eq!(drafted(&page, "rule")[0]["images"], json!(["dtr.test/labs/*"]));
    let change = with(&with(&second, "rule-form", "0"), "rule-users", "sam");
    let page = send(&admin, &page, &change).await.is(200);
    assert_eq!(drafted(&page, "rule").len(), 2);
    assert_eq!(drafted(&page, "rule")[0]["require"], json!({"teams": ["acme/qa"], "users": ["sam"]}));
    let preview = send(&admin, &page, &[("do", "save"), ("require", "yes")]).await.is(200);
    let preview =
        preview.says("Save this policy?").says("<dt>New</dt><dd>Images of dtr.test/labs/* need the signatures of a member of");
    assert_eq!(trust(&house).await["rules"], Value::Null, "a preview saves nothing");
    assert_eq!(send(&admin, &preview, &[("do", "confirm"), ("require", "yes")]).await.leads_to(), TRUST);
    let saved = trust(&house).await["rules"].clone();
    assert_eq!(saved, json!(drafted(&preview, "rule")));

    // One that would hide another is told where the other stands.
    let page = admin.get(TRUST).await.is(200);
    let narrow = with(&with(&RULE, "rule-images", "dtr.test/first/app"), "rule-teams", "acme/security");
    let page = send(&admin, &page, &narrow).await.is(200);
    let page = send(&admin, &page, &with(&RULE, "rule-images", "dtr.test/first/*")).await.is(200);
    let page = send(&admin, &page, &[("do", "rule-up:3"), ("require", "yes")]).await.is(200);
    send(&admin, &page, &[("do", "save")]).await.is(400).says("in rule 4 (dtr.test/first/app): it is never reached");

    // Back from the preview, and the other way round: the order is a change, too.
    let page = admin.get(TRUST).await.is(200).hides("not saved yet");
    let page = send(&admin, &page, &[("do", "rule-down:0"), ("require", "yes")]).await.is(200).says("not saved yet");
    let preview = send(&admin, &page, &[("do", "save"), ("require", "yes")]).await.is(200);
    let preview = preview.says("<dt>Order of rules</dt><dd>rule 1 (dtr.test/pay/*").hides("<dt>Removed</dt>");
    let back = send(&admin, &preview, &[("do", "show"), ("require", "yes")]).await.is(200).says("not saved yet");
    let page = send(&admin, &back, &[("do", "remove-rule:0"), ("require", "yes")]).await.is(200);
    let preview = send(&admin, &page, &[("do", "save"), ("require", "yes")]).await.is(200);
    preview.says("<dt>Removed</dt><dd>Images of dtr.test/pay/* and dtr.test/labs/app need");
    admin.get(TRUST).await.says("dtr.test/pay/*");
}

#[tokio::test]
async fn another_button_takes_along_what_is_being_written_or_says_what_is_wrong_with_it() {
    let house = stage().await;
    let admin = house.browser_of("admin").await;
    let page = admin.get(TRUST).await.is(200);
    let preview = send(&admin, &page, &with(&RULE, "do", "save")).await.is(200).says("Save this policy?");
    assert_eq!(drafted(&preview, "rule").len(), 1);
    let both: Vec<(&str, &str)> = with(&RULE, "do", "save").into_iter().chain(EXEMPTION[..7].iter().copied()).collect();
    let preview = send(&admin, &page, &both).await.is(200);
    assert_eq!((drafted(&preview, "rule").len(), drafted(&preview, "exemption").len()), (1, 1));
    let first = send(&admin, &page, &RULE).await.is(200);
    let bad = with(&with(&RULE, "rule-teams", "acme/nobody"), "rule-images", "dtr.test/typed/*");
    for button in ["save", "remove-rule:0", "rule:0", "exemption:new"] {
        let answer =
            send(&admin, &first, &with(&bad, "do", button)).await.is(400).says("there is no team").says("dtr.test/typed/*");
        assert_eq!(drafted(&answer, "rule").len(), 1, "{button}");
    }
    for button in ["show", "add-team", "add-repository"] {
        let answer = send(&admin, &first, &with(&bad, "do", button)).await;
        assert!(answer.text().contains("dtr.test/typed/*") && answer.text().contains("acme/nobody"), "{button}");
    }
    let closed = send(&admin, &first, &with(&bad, "do", "close-rule")).await.is(200).hides("dtr.test/typed/*");
    assert_eq!(drafted(&closed, "rule").len(), 1);
}

#[tokio::test]
async fn every_field_of_an_exemption_is_in_the_exemption_that_is_written() {
    let house = stage().await;
    let admin = house.browser_of("admin").await;
    let page = admin.get(TRUST).await.is(200);
    send(&admin, &page, &[("do", "exemption:new")]).await.is(200).says("A new exemption");
    let base = json!({"repository": "dtr.test/vendor/*", "reason": "they sign soon", "requested_by": "quinn",
        "expires": "2999-01-31T12:00:00Z"});
    let written = send(&admin, &page, &EXEMPTION).await.is(200);
    assert_eq!(drafted(&written, "exemption"), std::slice::from_ref(&base));
    written.says(
        "Until 2999-01-31 12:00 UTC nobody has to sign images of dtr.test/vendor/*. Why: they sign soon. Asked for by quinn",
    );
    let digest = format!("sha256:{}", "a".repeat(64));
    for (field, value, place, then) in [
        ("exemption-repository", "dtr.test/other/app", "/repository", json!("dtr.test/other/app")),
        ("exemption-digest", digest.as_str(), "/digest", json!(digest)),
        ("exemption-namespaces", "kube-system\nlab-*", "/namespaces", json!(["kube-system", "lab-*"])),
        ("exemption-reason", "another", "/reason", json!("another")),
        ("exemption-requested-by", "sam", "/requested_by", json!("sam")),
        ("exemption-expires", "2998-02-28 00:30", "/expires", json!("2998-02-28T00:30:00Z")),
    ] {
        let written = send(&admin, &page, &with(&EXEMPTION, field, value)).await.is(200);
        assert_eq!(drafted(&written, "exemption").remove(0).pointer(place), Some(&then), "{field}");
        assert_ne!(base.pointer(place), Some(&then), "{field}");
        let again = send(&admin, &written, &[("do", "exemption:0")]).await.is(200).says("Change exemption 1");
        if field == "exemption-namespaces" {
            again.says(&format!(">{value}</textarea>"))
        } else {
            again.says(&format!("value=\"{value}\""))
        };
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_exemption_stands_at_its_field_and_nothing_that_was_typed_is_lost() {
    let house = stage().await;
    let admin = house.browser_of("admin").await;
    let page = admin.get(TRUST).await.is(200);
    for (field, value, at, why) in [
        ("exemption-repository", "", "repository", "Write a repository, a digest or both"),
        ("exemption-repository", "busybox", "repository", "is not a repository pattern"),
        ("exemption-digest", "sha256:1", "digest", "is not a digest"),
        ("exemption-namespaces", "-", "namespaces", "is not a namespace"),
        ("exemption-reason", "  ", "reason", "Say why"),
        ("exemption-requested-by", "", "requested-by", "Name the user"),
        ("exemption-requested-by", "nobody", "requested-by", "there is no user"),
        ("exemption-requested-by", "admin", "requested-by", "somebody else has to approve it"),
        ("exemption-expires", "2999-01-31", "expires", "such as 2027-01-31 12:00"),
        ("exemption-expires", "2020-01-31 12:00", "expires", "in the past"),
    ] {
        let answer = send(&admin, &page, &with(&EXEMPTION, field, value)).await.is(400);
        let text = answer.text();
        let other = if field == "exemption-repository" { "they sign soon" } else { "dtr.test/vendor/*" };
        let typed = [format!("value=\"{}\"", value.trim()), format!(">{value}</textarea>")];
        assert!(text.contains(other) && typed.iter().any(|typed| text.contains(typed)), "{field} {value:?}");
        let said =
            text.split_once(&format!("id=\"exemption-{at}-wrong\">")).unwrap_or_else(|| panic!("{field} {value:?}: {text}")).1;
        assert!(said.split('<').next().unwrap().contains(why), "{field} {value:?}: {said}");
        assert_eq!(text.matches("class=\"wrong\"").count(), 1, "{field} {value:?}");
        assert!(drafted(&answer, "exemption").is_empty(), "{field} {value:?}");
    }
}

#[tokio::test]
async fn an_exemption_is_approved_by_whoever_writes_or_changes_it_and_by_nobody_who_leaves_it() {
    let house = stage().await;
    let new = wharfinger_auth::NewAccount {
        name: "bea".to_owned(),
        password: Some(wharfinger_auth::Secret::new(PASSWORD)),
        is_admin: true,
        ..wharfinger_auth::NewAccount::default()
    };
    house.console.directory.create_account(&house.principal("admin").await, new).await.unwrap();
    let admin = house.browser_of("admin").await;
    let page = admin.get(TRUST).await.is(200);
    let preview = send(&admin, &page, &with(&EXEMPTION, "do", "save")).await.is(200).says("approved by whoever saves this");
    send(&admin, &preview, &[("do", "confirm")]).await.leads_to();
    assert_eq!(trust(&house).await["exemptions"][0]["approved_by"], "admin");

    let bea = house.browser_of("bea").await;
    let page = bea.get(TRUST).await.is(200).says("approved by admin");
    let as_it_was = with(&EXEMPTION, "exemption-form", "0");
    let left = send(&bea, &page, &as_it_was).await.is(200).says("approved by admin").hides("not saved yet");
    let changed =
        send(&bea, &left, &with(&as_it_was, "exemption-reason", "longer")).await.is(200).says("approved by whoever saves");
    let preview = send(&bea, &changed, &[("do", "save")]).await.is(200).says("<dt>New</dt>").says("<dt>Removed</dt>");
    send(&bea, &preview, &[("do", "confirm")]).await.leads_to();
    let saved = trust(&house).await["exemptions"][0].clone();
    assert_eq!((&saved["approved_by"], &saved["reason"]), (&json!("bea"), &json!("longer")));
}

#[tokio::test]
async fn a_repository_is_exempted_without_an_end_or_what_is_wrong_is_said_at_its_field() {
    let house = stage().await;
    let admin = house.browser_of("admin").await;
    let page = admin.get(TRUST).await.is(200);
    let add = |name: &'static str| [("do", "add-repository"), ("repository-name", name)];
    let added = send(&admin, &page, &add("dtr.test/infra/*")).await.is(200).says("Images of dtr.test/infra/* need no signature");
    for (name, why) in
        [("", "is not a repository pattern"), ("<b>", "is not a repository pattern"), ("dtr.test/infra/*", "already")]
    {
        let wrong = send(&admin, &added, &add(name)).await.is(400).says("id=\"repository-wrong\"").says(why).hides("<b>");
        assert!(kept(&wrong).iter().filter(|(name, _)| name == "repository").count() == 1, "{name}");
    }
    let removed = send(&admin, &added, &[("do", "remove-repository:0")]).await.is(200);
    removed.hides("dtr.test/infra/*").says("nothing runs unsigned");
}

#[tokio::test]
async fn a_form_that_was_cut_off_or_knows_no_lists_empties_none() {
    let house = stage().await;
    let admin = house.browser_of("admin").await;
    let page = admin.get(TRUST).await.is(200);
    let page = send(&admin, &page, &with(&RULE, "do", "save")).await.is(200);
    send(&admin, &page, &[("do", "confirm")]).await.leads_to();
    let page = admin.get(TRUST).await.is(200);
    let revision = page.hidden("revision");
    let rule = drafted(&page, "rule").remove(0).to_string();
    let known = [("revision", revision.as_str()), ("signers", "any"), ("do", "confirm")];
    for rest in [
        &[][..],
        &[("entries", "1")][..],
        &[("entries", "0"), ("rule", rule.as_str())][..],
        &[("entries", "1"), ("rule", "{}x")][..],
    ] {
        admin.submit(TRUST, &[&known[..], rest].concat()).await.is(400).says("the form is incomplete");
    }
    let unknown = json!({"images": ["dtr.test/a/*"], "surprise": 1}).to_string();
    admin.submit(TRUST, &[&known[..], &[("entries", "1"), ("rule", unknown.as_str())]].concat()).await.is(400);
    assert_eq!(trust(&house).await["rules"].as_array().unwrap().len(), 1);
}
