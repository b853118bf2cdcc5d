//! What runs in Kubernetes, beside what the engine runs.

use std::sync::Arc;

use async_trait::async_trait;
use wharfinger_cluster::{PodList, PodRunner, PodsUnknown, RunningPods};
use wharfinger_gate::{Purpose, Workload};

use crate::browser::Browser;
use crate::house::{House, house_beside};

const WORKLOADS: &str = "/manage/workloads";
const PROXY: &str = "registry.k8s.test/kube-proxy:1";

/// `kube-proxy` in two namespaces and a Deployment that has not started, or what is wrong.
enum Told {
    Pods,
    Cut,
    Forbidden,
}

fn digest() -> String {
    format!("sha256:{}", "a".repeat(64))
}

fn pods(namespace: &str, kind: &str, name: &str, image: &str, pods: usize) -> RunningPods {
    let question = Workload {
        images: vec![image.to_owned()],
        account: None,
        account_name: "kubernetes:".to_owned(),
        is_admin: false,
        credentials: Arc::new(Vec::new()),
        purpose: Purpose::Admission,
        namespace: Some(namespace.to_owned()),
        dry_run: false,
    };
    RunningPods {
        namespace: namespace.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        parts: vec!["container app".to_owned()],
        image: image.to_owned(),
        image_id: None,
        digests: vec![format!("registry.k8s.test/kube-proxy@{}", digest())],
        started: true,
        pods,
        question,
    }
}

#[async_trait]
impl PodRunner for Told {
    async fn running(&self) -> Result<PodList, PodsUnknown> {
        let proxy = |namespace| pods(namespace, "DaemonSet", "proxy", PROXY, 3);
        let soon = RunningPods {
            parts: (0..6).map(|number| format!("container c{number}")).collect(),
            digests: Vec::new(),
            started: false,
            ..pods("shop", "Pod", "<b>soon", "registry.k8s.test/soon:1", 1)
        };
        match self {
            Self::Forbidden => Err(PodsUnknown::Forbidden),
            Self::Cut => Ok(PodList { pods: vec![proxy("shop")], cut: Some("only the first are read".to_owned()) }),
            Self::Pods => Ok(PodList { pods: vec![proxy("kube-system"), proxy("shop"), soon], cut: None }),
        }
    }
}

async fn stage(told: Told) -> House {
    let house = house_beside(Arc::new(told)).await;
    house.user("quinn").await;
    house
}

/// *Run only signed images*, but for exactly the bytes of `kube-proxy` in `kube-system`.
fn policy() -> String {
    format!(
        "registries = []\n[trust_configuration]\nrequire_content_trust = true\n[[trust_configuration.exemptions]]\ndigest = \"{}\"\n\
         namespaces = [\"kube-system\"]\nreason = \"comes with it\"\nrequested_by = \"quinn\"\nexpires = 2999-01-01T00:00:00Z\n",
        digest()
    )
}

#[tokio::test]
async fn each_is_decided_by_the_digest_that_runs_and_by_its_namespace() {
    let house = stage(Told::Pods).await;
    house.console.cluster.replace_file("admin", &policy(), None).await.unwrap();
    let admin = house.browser_of("admin").await;
    let page = admin.get(WORKLOADS).await.is(200).says("kube-system/proxy").says("DaemonSet, 3 pods: container app");
    let page = page
        .says(PROXY)
        .says(&format!(">{}</code>", digest()))
        .says(">exempt</a>")
        .says(">not-registered</a>")
        .says("not started");
    let page = page.says("shop/&#60;b&#62;soon").hides("<b>soon");
    let page = page.says("Pod: container c0, container c1, container c2, container c3, 2 more");
    assert_eq!(page.text().matches("<tr><td>").count(), 3);
    let why =
        format!("/manage/why?image=registry%2Ek8s%2Etest%2Fkube%2Dproxy%3A1%40sha256%3A{}&#38;namespace=shop", "a".repeat(64));
    let page = page.says(&why);
    assert!(page.text().contains(&why.replace("=shop", "=kube%2Dsystem")));
    // The question that the link puts is answered as the row says.
    let asked = why.replace("&#38;", "&");
    admin.get(&asked).await.is(200).says("may not run").says("value=\"shop\"");
    admin.get(&asked.replace("=shop", "=kube-system")).await.is(200).says("exempt from the policy");

    admin
        .get("/manage/")
        .await
        .is(200)
        .says("<dt>May run</dt><dd>1</dd>")
        .says("<dt>Would be refused now</dt><dd class=\"bad\">2</dd>");
}

#[tokio::test]
async fn the_list_is_narrowed_by_words_and_by_verdict() {
    let house = stage(Told::Pods).await;
    house.console.cluster.replace_file("admin", &policy(), None).await.unwrap();
    let admin = house.browser_of("admin").await;
    let rows = async |query: &str| admin.get(&format!("{WORKLOADS}?{query}")).await.is(200).text().matches("<tr><td>").count();
    for (query, many) in [
        ("find=&verdict=", 3),
        ("find=Shop%2F", 2),
        ("find=not-registered", 2),
        ("find=daemonset&verdict=deny", 1),
        ("verdict=allow", 1),
        ("verdict=open", 0),
    ] {
        assert_eq!(rows(query).await, many, "{query}");
    }
    let none = admin.get(&format!("{WORKLOADS}?find=%3Cb%3Enothing&verdict=deny")).await.is(200);
    none.says("None of the 3 that run").says("value=\"&#60;b&#62;nothing\"").says("<option value=\"deny\" selected>");
}

#[tokio::test]
async fn what_a_change_would_refuse_of_it_is_seen_before_it_is_saved() {
    let house = stage(Told::Pods).await;
    let admin = house.browser_of("admin").await;
    let trust = "/manage/settings/contenttrust";
    let revision = admin.get(trust).await.is(200).hidden("revision");
    let form = [("revision", revision.as_str()), ("signers", "any"), ("require", "yes"), ("do", "save")];
    admin.submit(trust, &form).await.is(200).says("This would refuse 3").says("shop/proxy");
    let configuration = "/manage/settings/configuration";
    let text = policy();
    let form = [("do", "preview"), ("revision", revision.as_str()), ("text", text.as_str())];
    let preview = admin.submit(configuration, &form).await.is(200).says("This would refuse 2");
    preview.says("shop/proxy").hides("kube-system/proxy");
}

async fn everywhere(admin: &Browser, words: &str) {
    admin.get(WORKLOADS).await.is(200).says(words);
    admin.get("/manage/").await.is(200).says(words);
}

#[tokio::test]
async fn what_cannot_be_seen_is_said_with_what_to_grant_and_the_rest_is_shown() {
    let house = stage(Told::Forbidden).await;
    let admin = house.browser_of("admin").await;
    everywhere(&admin, "`list` `pods`").await;
    admin.get(WORKLOADS).await.hides("Nothing runs yet");
    let house = stage(Told::Cut).await;
    let admin = house.browser_of("admin").await;
    everywhere(&admin, "only the first are read").await;
    admin.get(WORKLOADS).await.says("shop/proxy");
    let revision = admin.get("/manage/settings/contenttrust").await.is(200).hidden("revision");
    let form = [("revision", revision.as_str()), ("signers", "any"), ("require", "yes"), ("do", "save")];
    let preview = admin.submit("/manage/settings/contenttrust", &form).await.is(200).says("This would refuse 1");
    preview.says("What runs could not be asked in full").says("only the first are read");
}
