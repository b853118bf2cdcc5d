use wharfinger_policy::{Signers, TrustDocument};

use crate::browser::Browser;
use crate::house::{House, house};

const TRUST: &str = "/manage/settings/contenttrust";
const DTR: &str = "/manage/settings/dtr";

async fn stage() -> House {
    let house = house().await;
    house.user("quinn").await;
    house.team("acme", "qa", "quinn").await;
    house
}

async fn revision(admin: &Browser) -> String {
    admin.get(TRUST).await.is(200).hidden("revision")
}

#[tokio::test]
async fn a_policy_is_drafted_previewed_and_saved() {
    let house = stage().await;
    let admin = house.browser_of("admin").await;
    let revision = revision(&admin).await;
    let form = [("revision", revision.as_str()), ("signers", "cluster"), ("require", "yes")];
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> {
        form.iter().copied().chain(more.iter().copied()).collect()
    };

    let first = admin.submit(TRUST, &with(&[("do", "add-team"), ("organization", "")])).await.is(400);
    first.says("Choose the organization first");
    let second = admin.submit(TRUST, &with(&[("do", "add-team"), ("organization", "acme")])).await.is(200);
    second.says("<option>qa</option>");
    let added = admin.submit(TRUST, &with(&[("do", "add-team"), ("organization", "acme"), ("team-name", "qa")])).await.is(200);
    added.says("name=\"team\" value=\"acme/qa\"").says("not saved yet").says("value=\"remove-team:acme/qa\"");
    let removed = admin.submit(TRUST, &with(&[("team", "acme/qa"), ("do", "remove-team:acme/qa")])).await.is(200);
    removed.hides("name=\"team\" value=\"acme/qa\"");
    let preview = admin.submit(TRUST, &with(&[("team", "acme/qa"), ("do", "save")])).await.is(200);
    preview
        .says("Save this policy?")
        .says("Only images signed by a member of acme/qa may run.")
        .says("No registry is registered");
    let current = async || house.console.cluster.current().await.unwrap();
    assert!(!current().await.configuration.trust.require_content_trust, "a preview saves nothing");

    assert_eq!(admin.submit(TRUST, &with(&[("team", "acme/qa"), ("do", "confirm")])).await.leads_to(), TRUST);
    let trust = current().await.configuration.trust;
    assert!(trust.require_content_trust && trust.signers == Signers::Cluster);
    assert_eq!(trust.require_signature_from[0].name, "acme/qa");
    admin.get(TRUST).await.is(200).says("The policy is saved");
    admin.get(TRUST).await.is(200).hides("The policy is saved");
    let recorded = house.console.audit.newest(None, 1).await.unwrap().remove(0).act;
    assert_eq!((recorded.actor.as_str(), recorded.action.as_str()), ("admin", "policy.change"));
}

#[tokio::test]
async fn of_two_administrators_the_slower_one_is_told_and_overwrites_nothing() {
    let house = stage().await;
    let admin = house.browser_of("admin").await;
    let revision = revision(&admin).await;
    let document = TrustDocument {
        require_content_trust: true,
        require_signature_from: None,
        signers: Some(Signers::Any),
        allow_repos: vec!["dtr.test/infra/*".to_owned()],
        allow_builds: false,
        delegate_membership: false,
        max_staleness_minutes: None,
        rules: None,
        exemptions: Vec::new(),
    };
    house.console.cluster.replace_trust("admin", document, None).await.unwrap();
    for act in ["save", "confirm", "remove-repository:0"] {
        let answer = admin.submit(TRUST, &[("revision", &revision), ("signers", "any"), ("do", act)]).await.is(412);
        answer.says("somebody else changed the configuration").says("dtr.test/infra/*");
    }
    assert!(house.console.cluster.current().await.unwrap().configuration.trust.require_content_trust);
}

#[tokio::test]
async fn a_policy_form_with_something_wrong_says_what() {
    let house = stage().await;
    let admin = house.browser_of("admin").await;
    let revision = revision(&admin).await;
    admin.submit(TRUST, &[("do", "save")]).await.is(400).says("the form is incomplete");
    admin.submit(TRUST, &[("do", "save"), ("revision", "x"), ("signers", "any")]).await.is(400);
    admin.submit(TRUST, &[("do", "save"), ("revision", &revision), ("signers", "king")]).await.is(400);
    let same = [("do", "save"), ("revision", revision.as_str()), ("signers", "any")];
    admin.submit(TRUST, &same).await.is(400).says("There is nothing to save");
    let unknown = [("do", "save"), ("revision", revision.as_str()), ("signers", "any"), ("team", "acme/<b>")];
    admin.submit(TRUST, &unknown).await.is(400).says("there is no team `acme/&#60;b&#62;`").hides("<b>");
    house
        .console
        .directory
        .create_team(
            &house.principal("admin").await,
            "acme",
            wharfinger_auth::NewTeam { name: "empty".into(), ..Default::default() },
        )
        .await
        .unwrap();
    let empty = [("do", "save"), ("revision", revision.as_str()), ("signers", "any"), ("team", "acme/empty")];
    admin.submit(TRUST, &empty).await.is(400).says("has no active member");
    admin.get("/manage/settings/contenttrust/teams?organization=nobody").await.is(404);
}

#[tokio::test]
async fn a_registry_that_cannot_be_tested_is_not_offered_to_be_added() {
    let house = stage().await;
    let admin = house.browser_of("admin").await;
    admin.get(DTR).await.is(200).says("None yet");
    for (host, why) in [
        ("", "Write the registry"),
        ("https://dtr.test", "without a scheme"),
        ("dtr.test/admin", "without a path"),
        ("a b", "is not a host"),
    ] {
        for act in ["test", "add", "fetch"] {
            admin.submit(DTR, &[("do", act), ("host", host)]).await.is(400).says(why);
        }
    }
    admin
        .submit(DTR, &[("do", "test"), ("host", "localhost:1"), ("ca", "nonsense")])
        .await
        .is(400)
        .says("not PEM of certificates");
    let answer = admin.submit(DTR, &[("do", "test"), ("host", "localhost:1")]).await.is(400);
    answer.says("failed").hides("value=\"add\"");
    admin.submit(DTR, &[("do", "fetch"), ("host", "localhost:1")]).await.is(400).says("could not be fetched");
    admin.submit(DTR, &[("do", "add"), ("host", "localhost:1")]).await.is(400).says("trusted registry not added");
    admin.submit("/manage/settings/dtr/remove", &[("host", "dtr.test")]).await.is(404);
    assert!(house.console.cluster.registrations().await.unwrap().is_empty());
}
