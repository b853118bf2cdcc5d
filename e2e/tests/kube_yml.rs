//! kube.yml: what a bundle is to a real Kubernetes API server that takes the cluster's CA for its clients'.

use wharfinger_e2e::{Answer, DockerCli, Kubernetes, KubernetesOptions, Person, Scene, bundle};

/// The cluster's file, in which nothing is said of Kubernetes yet.
fn file(scene: &Scene) -> String {
    scene.admin().get("/api/ucp/config-toml").is(200).body
}

fn put(scene: &Scene, file: &str) -> Answer {
    scene.admin().call("PUT", "/api/ucp/config-toml", Some(("text/plain", file)))
}

/// A machine of `user`, in a shell that a new bundle has set up.
fn operator(scene: &Scene, user: &str, machine: &str) -> Person {
    let person = scene.machine(machine, DockerCli::newest());
    bundle(&scene.session(user), &person);
    person.does("unset KUBECONFIG; cd ~/bundle && eval \"$(<env.sh)\"; cd ~");
    person
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn kubectl_with_a_bundle_is_its_account_in_the_groups_of_its_teams() {
    let scene = Scene::up();
    for name in ["olga", "quinn"] {
        scene.account(name);
    }
    scene.team("acme", "qa", &["olga"]);
    scene.team("acme", "ops", &["quinn"]);
    let clients = scene.dir().join("clients.pem");
    scene.cluster_api().download("GET", "/ca/clients", &clients);
    let options = KubernetesOptions { client_ca: Some(&clients), ..Default::default() };
    let kubernetes = Kubernetes::start(&scene.dir().join("k"), options).unwrap();
    let ca = std::fs::read_to_string(kubernetes.ca()).unwrap();
    put(&scene, &format!("{}\n[kubernetes]\nserver = \"{}\"\nca_bundle = '''\n{ca}'''\n", file(&scene), kubernetes.url()))
        .is(200);
    kubernetes.namespace("payments");
    let pods_for = |binding: &str, group: &str| {
        kubernetes.kubectl(&["create", "rolebinding", binding, "-n", "payments", "--role", "pods", "--group", group], "").ok();
    };
    kubernetes.kubectl(&["create", "role", "pods", "-n", "payments", "--verb", "list", "--resource", "pods"], "").ok();
    pods_for("qa", "acme/qa");
    let binding = ["create", "clusterrolebinding", "admins", "--clusterrole", "cluster-admin", "--group", "wharfinger:admin"];
    kubernetes.kubectl(&binding, "").ok();

    let (olga, quinn, admin) =
        (operator(&scene, "olga", "olga"), operator(&scene, "quinn", "quinn"), operator(&scene, "admin", "admin"));
    olga.does("echo $KUBECONFIG").says("/bundle/kube.yml");
    olga.does("ls -l $KUBECONFIG").says("-rw-------");
    olga.does("kubectl config current-context").says(&format!("ucp_{}_olga", scene.cluster));
    olga.does("kubectl get pods -n payments").says("No resources found");
    olga.sh("kubectl get pods -n default").fails().says("User \"olga\" cannot list resource \"pods\"");
    quinn.sh("kubectl get pods -n payments").fails().says("User \"quinn\" cannot list resource \"pods\"");
    admin.does("kubectl get namespaces").says("payments");
    quinn.sh("kubectl get namespaces").fails().says("Forbidden");

    // What SECURITY.md says of it: the API server goes by the certificate, for as long as that holds.
    scene.admin().delete("/accounts/acme/teams/qa/members/olga").ok();
    olga.does("kubectl get pods -n payments").says("No resources found");
    let keys = scene.admin().get("/accounts/olga/publicKeys").is(200).json();
    let id = keys["accountPublicKeys"][0]["id"].as_str().unwrap();
    scene.admin().delete(&format!("/accounts/olga/publicKeys/{id}")).ok();
    olga.sh("docker ps").fails();
    olga.does("kubectl get pods -n payments").says("No resources found");
    let anew = operator(&scene, "olga", "olgas-other");
    anew.does("docker ps").says("CONTAINER ID");
    anew.sh("kubectl get pods -n payments").fails().says("User \"olga\" cannot list resource \"pods\"");
}

#[test]
fn a_bundle_has_a_kube_yml_while_the_cluster_knows_an_api_server() {
    let scene = Scene::up();
    scene.account("olga");
    operator(&scene, "olga", "before").does("test ! -e bundle/kube.yml && echo \"KUBECONFIG=$KUBECONFIG.\"").says("KUBECONFIG=.");
    let (plain, server) = (file(&scene), "[kubernetes]\nserver = \"https://kube.test:6443\"\n");
    put(&scene, &format!("{plain}\n{server}")).is(200);
    for cli in DockerCli::present() {
        let olga = scene.machine(&format!("olga{cli:?}"), cli);
        bundle(&scene.session("olga"), &olga);
        olga.does("grep server: bundle/kube.yml").says("\"https://kube.test:6443\"");
        olga.does("unset DOCKER_HOST; cd bundle; docker context import ours ucp-docker-bundle.zip");
        olga.does("docker --context ours ps").says("CONTAINER ID");
    }
    scene.admin().get("/api/ucp/config-toml").is(200).says("server = \"https://kube.test:6443\"");
    put(&scene, &format!("{plain}\n{server}servers = []\n")).is(400).says("servers");
    put(&scene, &plain).is(200);
    operator(&scene, "olga", "after").does("test ! -e bundle/kube.yml && echo none").says("none");
}
