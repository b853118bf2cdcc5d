use crate::house::house;

const PATH: &str = "/manage/settings/configuration";

#[tokio::test]
async fn the_configuration_is_downloaded_compared_and_replaced() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    let file = admin.get("/manage/settings/configuration/file").await.is(200);
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"ucp-config.toml\"");
    let text = file.text();
    assert!(text.contains("require_content_trust = false"), "{text}");
    let revision = admin.get(PATH).await.is(200).hidden("revision");
    // As a browser sends it.
    let new = text.replace("require_content_trust = false", "require_content_trust = true").replace('\n', "\r\n");
    let form = |act: &'static str| [("do", act), ("revision", revision.as_str()), ("text", new.as_str())];
    let compared = admin.submit(PATH, &form("preview")).await.is(200);
    compared
        .says("- require_content_trust = false")
        .says("+ require_content_trust = true")
        .says("Nothing that runs now would be refused");
    assert!(!house.console.cluster.current().await.unwrap().configuration.trust.require_content_trust);
    admin.submit(PATH, &form("edit")).await.is(200).says("require_content_trust = true");
    assert_eq!(admin.submit(PATH, &form("confirm")).await.leads_to(), PATH);
    assert!(house.console.cluster.current().await.unwrap().configuration.trust.require_content_trust);
    admin.get(PATH).await.says("The configuration is replaced");
    for act in ["preview", "confirm"] {
        admin.submit(PATH, &form(act)).await.is(412).says("somebody else changed the configuration");
    }
}

#[tokio::test]
async fn a_file_with_something_wrong_is_kept_for_editing_and_says_what() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    let revision = admin.get(PATH).await.is(200).hidden("revision");
    for (text, why) in [
        ("not toml <at> all", "the file is not TOML"),
        ("", "the file has no `[trust_configuration]`"),
        ("registries = []\n[trust_configuration]\nrequire_content_trust = true\nsurprise = 1\n", "surprise"),
        (
            "registries = []\n[trust_configuration]\nrequire_content_trust = true\nrequire_signature_from = [\"acme/qa\"]\n",
            "there is no team",
        ),
    ] {
        for act in ["preview", "confirm"] {
            let answer = admin.submit(PATH, &[("do", act), ("revision", &revision), ("text", text)]).await.is(400).says(why);
            answer.hides("<at>");
        }
    }
    admin.submit(PATH, &[("do", "confirm"), ("text", "")]).await.is(400);
    assert_eq!(house.console.cluster.current().await.unwrap().revision, 0);
}
