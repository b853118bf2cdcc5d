use time::OffsetDateTime;
use wharfinger_storage::audit::Act;

use crate::house::house;

fn act(actor: &str, object: &str, outcome: &str) -> Act {
    Act {
        at: OffsetDateTime::now_utc(),
        actor: actor.to_owned(),
        action: "deploy".to_owned(),
        object: object.to_owned(),
        outcome: outcome.to_owned(),
        detail: r#"{"code":"policy-not-met","note":"<b>"}"#.to_owned(),
    }
}

#[tokio::test]
async fn the_overview_says_the_policy_and_what_was_refused_to_whom() {
    let house = house().await;
    house.user("ada").await;
    for (actor, object) in [("ada", "dtr.test/acme/app:1"), ("bea", "dtr.test/acme/other:1")] {
        house.console.audit.append(&act(actor, object, "deny")).await.unwrap();
    }
    let admin = house.browser_of("admin").await;
    let page =
        admin.get("/manage/").await.is(200).says("Any image may run").says("No registry is trusted yet").says("Nothing runs yet");
    page.says("dtr.test/acme/app:1").says("dtr.test/acme/other:1").says("/manage/why?image=dtr.test%2Facme%2Fapp%3A1");
    admin.get("/manage/workloads").await.is(200).says("Nothing runs yet");
    let ada = house.browser_of("ada").await;
    let page = ada.get("/manage/").await.is(200).says("Your recent refusals").says("policy-not-met");
    page.says("dtr.test/acme/app:1").hides("dtr.test/acme/other:1").hides("/manage/why").hides("Trusted registries");
}

#[tokio::test]
async fn the_log_is_filtered_paged_and_verified() {
    let house = house().await;
    for number in 0..60 {
        let outcome = if number == 7 { "deny" } else { "allow" };
        house.console.audit.append(&act("ada", &format!("dtr.test/acme/app:{number}"), outcome)).await.unwrap();
    }
    let admin = house.browser_of("admin").await;
    let first = admin.get("/manage/audit").await.is(200).says("app:59").hides("app:7 ").says("&#60;b&#62;");
    let next = first.text().split_once("name=\"before\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    admin
        .get(&format!("/manage/audit?before={next}&actor=ada"))
        .await
        .is(200)
        .says("app:1\n")
        .hides("app:59")
        .hides("Older entries");
    admin.get("/manage/audit?outcome=deny&actor=ada&action=deploy").await.is(200).says("app:7").hides("app:8");
    admin.get("/manage/audit?actor=ad&action=epl&object=app:8").await.is(200).says("app:8").says("1 entry<").hides("app:7");
    admin.get("/manage/audit?object=dtr.test/acme/app:8").await.is(200).says("app:8").hides("app:7");
    admin.get("/manage/audit?since=2999-01-01").await.is(200).says("Nothing matches");
    admin.get("/manage/audit?since=2000-01-01").await.is(200).says("app:59");
    admin.get("/manage/audit?since=yesterday").await.is(400).says("write it as 2026-01-31");
    admin.get("/manage/audit?outcome=refused").await.is(400).says("is none of allow, deny");
    admin.get("/manage/audit?verify=yes").await.is(200).says("Whole: all 60 entries are as they were recorded");
}

#[tokio::test]
async fn the_log_is_exported_as_it_was_searched_for_and_as_it_was_recorded() {
    let house = house().await;
    for number in 0..1203 {
        let (actor, object) = if number == 1200 { ("=cmd()", "a,\"b\"") } else { ("ada", "dtr.test/acme/app:1") };
        house.console.audit.append(&act(actor, object, if number < 1199 { "allow" } else { "deny" })).await.unwrap();
    }
    let admin = house.browser_of("admin").await;
    let file = admin.get("/manage/audit/export?format=jsonl").await.is(200);
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"audit.jsonl\"");
    let entries: Vec<serde_json::Value> = file.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<i64> = entries.iter().map(|entry| entry["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=1203).rev().collect::<Vec<_>>(), "all of them, each once, over several pages");
    let mut chain = wharfinger_storage::audit::Chain::default();
    for entry in entries.iter().rev() {
        let text = |key: &str| entry[key].as_str().unwrap().to_owned();
        let at = OffsetDateTime::parse(&text("at"), &time::format_description::well_known::Rfc3339).unwrap();
        let [actor, action, object, outcome, detail] = ["actor", "action", "object", "outcome", "detail"].map(text);
        let link = wharfinger_storage::audit::Link(hex::decode(text("link")).unwrap().try_into().unwrap());
        let act = Act { at, actor, action, object, outcome, detail };
        let id = entry["id"].as_i64().unwrap();
        chain
            .follow(&wharfinger_storage::audit::Recorded { id, act, link })
            .expect("the chain can be followed in the file alone");
    }

    let file = admin.get("/manage/audit/export?format=csv&outcome=deny&object=b%22").await.is(200).text();
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(lines[0], "id,at,actor,action,object,outcome,detail,link");
    assert!(lines.len() == 2 && lines[1].starts_with("1201,") && lines[1].contains(",\"'=cmd()\","), "{file}");
    assert!(lines[1].contains("\"a,\"\"b\"\"\""), "{file}");
    admin.get("/manage/audit/export?format=csv&outcome=refused").await.is(400).says("is none of allow, deny");
    admin.get("/manage/audit/export").await.is(400).says("Choose how the file is written");
}

#[tokio::test]
async fn why_answers_with_what_to_do_and_a_drawing_of_it() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    admin.get("/manage/why").await.is(200).hides("<svg");
    let page = admin.get("/manage/why?image=dtr.test%2Facme%2Fapp%3A1&namespace=").await.is(200);
    page.says("may not run")
        .says("dtr.test must be a registered trusted registry")
        .says("policy off")
        .says("<svg")
        .says("What to do");
    admin.get("/manage/why?image=%3Cscript%3E").await.is(200).hides("<script>").says("malformed");
}
