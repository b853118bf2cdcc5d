//! The command line: what can be said, and the help that teaches it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Run only the images your teams have signed.
///
/// One binary: a trusted registry with a Notary server, a cluster control plane in front of a Docker engine, and the operator's
/// commands for both.
#[derive(Parser)]
#[command(name = "wharfinger", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve a trusted registry and a cluster in one process, with shared accounts.
    ///
    /// On an empty folder this makes everything it needs: database, certificate authority, certificates and a random password
    /// for `admin`, written to <data-dir>/admin-password. When both doors are open, one line on stdout says where.
    Up(Serving),
    /// The trusted registry alone, with accounts of its own.
    #[command(subcommand)]
    Registry(ServeOnly),
    /// A cluster alone, with accounts of its own and no registry registered.
    #[command(subcommand)]
    Cluster(ServeOnly),
    /// Check or print the process's configuration file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look for what is wrong: certificates, the engine, each registered registry, the engine's trust in its CA.
    Doctor(Serving),
    /// Acts of an administrator at this machine.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Acts on this cluster's policy at this machine.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// The record of what was decided and changed.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Kubernetes: have an API server ask this cluster before it stores what runs images.
    #[command(subcommand)]
    Kubernetes(KubernetesCommand),
    /// Sign images (not built yet: use `docker trust`).
    #[command(disable_help_flag = true)]
    Trust(NotBuilt),
    /// Verify an image's signatures (not built yet).
    #[command(disable_help_flag = true)]
    Verify(NotBuilt),
    /// Explain why an image may or may not run: what was required, found and missing, and what to do.
    ///
    /// Asks a cluster with a client bundle, as docker does after `source env.sh`. Exit status 1 when the image may not run, 2 when
    /// it cannot be told.
    Explain(ExplainArguments),
    /// Sign in to a cluster or registry (not built yet: POST /auth/login).
    #[command(disable_help_flag = true)]
    Login(NotBuilt),
    /// Fetch a client bundle (not built yet: POST /api/clientbundle).
    #[command(disable_help_flag = true)]
    Bundle(NotBuilt),
}

#[derive(Args)]
pub(crate) struct ExplainArguments {
    /// The image, as a deployment would name it.
    pub(crate) image: String,
    /// The Kubernetes namespace it would run in: some rules are for some namespaces only.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    #[command(flatten)]
    pub(crate) bundle: Bundle,
    /// Print the cluster's answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which cluster is asked, and who asks.
#[derive(Args)]
pub(crate) struct Bundle {
    /// The folder of a client bundle: ca.pem, cert.pem and key.pem.
    #[arg(long, env = "DOCKER_CERT_PATH", value_name = "DIR")]
    pub(crate) cert_path: Option<PathBuf>,
    /// The cluster: tcp://host:port or https://host:port.
    #[arg(long, env = "DOCKER_HOST", value_name = "URL")]
    pub(crate) cluster: Option<String>,
}

#[derive(Args)]
pub(crate) struct NotBuilt {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<String>,
}

#[derive(Subcommand)]
pub(crate) enum ServeOnly {
    /// Serve until SIGTERM.
    Serve(Serving),
}

#[derive(Subcommand)]
pub(crate) enum ConfigCommand {
    /// Report every problem of a configuration file at once (exit 64 if there is one).
    Check(Box<Serving>),
    /// Print a configuration file with every key, its default and its meaning.
    Generate,
}

#[derive(Subcommand)]
pub(crate) enum AdminCommand {
    /// Give an account a new random password, printed once. The server may be running.
    ResetPassword {
        /// The account's name.
        #[arg(default_value = "admin")]
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Args)]
pub(crate) struct DiffArguments {
    /// The new configuration, as PUT /api/ucp/config-toml takes it.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) bundle: Bundle,
    /// Print the cluster's answer as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say which of the workloads running now a new configuration would refuse. Nothing is saved.
    ///
    /// Asks a cluster with an administrator's client bundle. Exit status 1 when something that passes now would be refused, 2 when
    /// it cannot be told.
    Diff(DiffArguments),
    /// Break glass: switch *Run only signed images* off. Recorded with the reason.
    Off {
        /// Why; written to the audit log.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        place: Place,
    },
    /// Accept a repository that was made anew: its next root is trusted at first use. Recorded with the reason.
    RePin {
        /// The repository: host[:port]/namespace/repository, without a tag.
        gun: String,
        /// Why; written to the audit log.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Follow the chain of entries: exit 1 when one was changed or is missing. The server may be running.
    Verify {
        #[command(flatten)]
        place: Place,
    },
    /// Reach a recorded decision again from what it rests on: exit 1 when its verdict does not follow. The server may be running.
    Replay {
        /// The entry's id, as GET /api/audit shows it.
        id: i64,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Subcommand)]
pub(crate) enum KubernetesCommand {
    /// Make or correct everything an installation needs: both webhook configurations (they fail closed), a service account and
    /// its rights, and with --in-cluster what runs Wharfinger there.
    ///
    /// Wharfinger may keep the two configurations right, `list` pods to show what runs, and `get` secrets and service accounts, in
    /// every namespace unless --pull-secrets-in names some. Uses the given kubeconfig, else $KUBECONFIG, else ~/.kube/config.
    Install(Box<InstallArguments>),
    /// Remove what `install` made. The namespace and the data in it stay, unless --data says otherwise.
    Uninstall(UninstallArguments),
    /// Look for what is wrong: the API server, both webhook configurations, the served certificate, whether an image that nobody
    /// signed is refused, and what may be read. Exit status 1 when something is.
    Doctor(Box<KubernetesDoctorArguments>),
}

#[derive(Args)]
pub(crate) struct InstallArguments {
    #[command(flatten)]
    pub(crate) scope: Scope,
    /// Run Wharfinger in the cluster, too: one replica, with a volume for its data.
    #[arg(long, requires = "image")]
    pub(crate) in_cluster: bool,
    /// The image that --in-cluster runs; `wharfinger` must be in its path.
    #[arg(long, requires = "in_cluster")]
    pub(crate) image: Option<String>,
    /// Ask the API server what it would make of it, and make nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the objects instead, without asking the API server. They hold the secret that lets the API server in.
    #[arg(long, short, value_name = "FORMAT")]
    pub(crate) output: Option<OutputFormat>,
    #[command(flatten)]
    pub(crate) serving: Serving,
}

#[derive(Args)]
pub(crate) struct UninstallArguments {
    /// The namespace that was installed into.
    #[arg(long, value_name = "NAME", default_value = "wharfinger")]
    pub(crate) namespace: String,
    /// Remove the namespace, too, and with it the volume: keys, accounts and the audit log of an instance that ran there.
    #[arg(long)]
    pub(crate) data: bool,
    /// Say what would be removed, and remove nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A kubeconfig, or `in-cluster`; else $KUBECONFIG or ~/.kube/config.
    #[arg(long, env = "WHARFINGER_KUBECONFIG", value_name = "FILE")]
    pub(crate) kubeconfig: Option<String>,
}

#[derive(Args)]
pub(crate) struct KubernetesDoctorArguments {
    #[command(flatten)]
    pub(crate) scope: Scope,
    #[command(flatten)]
    pub(crate) serving: Serving,
}

/// What of a Kubernetes cluster an installation is about.
#[derive(Args)]
pub(crate) struct Scope {
    /// The namespace of Wharfinger's own service account, and of Wharfinger itself inside the cluster.
    #[arg(long, value_name = "NAME", default_value = "wharfinger")]
    pub(crate) namespace: String,
    /// A namespace whose pull secrets Wharfinger may read; may be given more than once. Without it: every namespace.
    #[arg(long, value_name = "NAME")]
    pub(crate) pull_secrets_in: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq, Debug)]
pub(crate) enum OutputFormat {
    Yaml,
    Json,
}

/// Where an instance keeps its data.
#[derive(Args)]
pub(crate) struct Place {
    /// The instance's data folder.
    #[arg(long, env = "WHARFINGER_DATA_DIR", default_value = "./data")]
    pub(crate) data_dir: PathBuf,
    /// The key that seals server-held keys; default <data-dir>/seal.key.
    #[arg(long, env = "WHARFINGER_SEAL_KEY_FILE", value_name = "FILE")]
    seal_key_file: Option<PathBuf>,
}

impl Place {
    pub(crate) fn seal_key_file(&self) -> PathBuf {
        self.seal_key_file.clone().unwrap_or_else(|| self.data_dir.join("seal.key"))
    }
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq, Debug, Default)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

macro_rules! serving {
    ($($(#[doc = $doc:literal])+ $field:ident, $flag:literal, $env:literal, $value:literal, $default:literal;)*) => {
        /// The flags of the serving commands. A flag wins over the environment, the environment over the file.
        #[derive(Args, Clone, Default)]
        pub(crate) struct Serving {
            /// A TOML file with any of these flags as keys.
            #[arg(long, env = "WHARFINGER_CONFIG", value_name = "FILE")]
            pub(crate) config: Option<PathBuf>,
            /// Do not put registered registries' CAs into the local engine's certs.d.
            #[arg(long, env = "WHARFINGER_NO_INSTALL_CA", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
            pub(crate) no_install_ca: Option<String>,
            $(
                $(#[doc = $doc])+
                #[arg(long = $flag, env = $env, value_name = $value)]
                pub(crate) $field: Option<String>,
            )*
        }

        impl Serving {
            /// Every key of the file: name, default, meaning.
            pub(crate) const KEYS: &'static [(&'static str, &'static str, &'static str)] = &[
                ("no-install-ca", "false", " Do not put registered registries' CAs into the local engine's certs.d."),
                $(($flag, $default, concat!($($doc, "\n"),+)),)*
            ];

            /// The value of `key`, to be filled from the file where neither flag nor environment gave one.
            pub(crate) fn slot(&mut self, key: &str) -> Option<&mut Option<String>> {
                match key {
                    "no-install-ca" => Some(&mut self.no_install_ca),
                    $($flag => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

serving! {
    /// Where everything is kept.
    data_dir, "data-dir", "WHARFINGER_DATA_DIR", "DIR", "./data";
    /// Where the registry listens.
    registry_listen, "registry-listen", "WHARFINGER_REGISTRY_LISTEN", "ADDRESS", "127.0.0.1:5443";
    /// Where the cluster listens.
    cluster_listen, "cluster-listen", "WHARFINGER_CLUSTER_LISTEN", "ADDRESS", "127.0.0.1:8443";
    /// The registry's public host[:port], in certificates and image names. Changing it changes every image's name.
    registry_host, "registry-host", "WHARFINGER_REGISTRY_HOST", "HOST", "localhost:<port of registry-listen>";
    /// The cluster's public host[:port], in certificates and client bundles.
    cluster_host, "cluster-host", "WHARFINGER_CLUSTER_HOST", "HOST", "localhost:<port of cluster-listen>";
    /// The Docker engine behind the cluster: unix:///… or tcp://host:port.
    engine, "engine", "WHARFINGER_ENGINE", "URL", "unix:///var/run/docker.sock";
    /// PEM of the CA that a tcp:// engine's certificate chains to.
    engine_tls_ca, "engine-tls-ca", "WHARFINGER_ENGINE_TLS_CA", "FILE", "";
    /// PEM of the certificate shown to a tcp:// engine.
    engine_tls_cert, "engine-tls-cert", "WHARFINGER_ENGINE_TLS_CERT", "FILE", "";
    /// PEM of that certificate's key.
    engine_tls_key, "engine-tls-key", "WHARFINGER_ENGINE_TLS_KEY", "FILE", "";
    /// Where the data is: SQLite in the data folder (postgres://… is not built yet).
    database, "database", "WHARFINGER_DATABASE", "URL", "SQLite in the data folder";
    /// Where blobs are: files in the data folder (s3://… is not built yet).
    blobs, "blobs", "WHARFINGER_BLOBS", "URL", "files in the data folder";
    /// A file with the password of `admin`, used when the account is made.
    admin_password_file, "admin-password-file", "WHARFINGER_ADMIN_PASSWORD_FILE", "FILE", "";
    /// PEM chain of your own certificate for the registry. Read again every minute, with its key.
    registry_tls_cert, "registry-tls-cert", "WHARFINGER_REGISTRY_TLS_CERT", "FILE", "";
    /// PEM key of your own certificate for the registry.
    registry_tls_key, "registry-tls-key", "WHARFINGER_REGISTRY_TLS_KEY", "FILE", "";
    /// PEM of the CA your registry certificate chains to: what /ca answers.
    registry_tls_ca, "registry-tls-ca", "WHARFINGER_REGISTRY_TLS_CA", "FILE", "";
    /// PEM chain of your own certificate for the cluster. Read again every minute, with its key.
    cluster_tls_cert, "cluster-tls-cert", "WHARFINGER_CLUSTER_TLS_CERT", "FILE", "";
    /// PEM key of your own certificate for the cluster.
    cluster_tls_key, "cluster-tls-key", "WHARFINGER_CLUSTER_TLS_KEY", "FILE", "";
    /// PEM of the CA your cluster certificate chains to: what /ca and client bundles hold.
    cluster_tls_ca, "cluster-tls-ca", "WHARFINGER_CLUSTER_TLS_CA", "FILE", "";
    /// The key that seals server-held keys; made if it is not there.
    seal_key_file, "seal-key-file", "WHARFINGER_SEAL_KEY_FILE", "FILE", "<data-dir>/seal.key";
    /// Serve /metrics, /healthz and /readyz in the clear here.
    metrics_listen, "metrics-listen", "WHARFINGER_METRICS_LISTEN", "ADDRESS", "";
    /// Days until a client bundle's certificate expires.
    bundle_days, "bundle-days", "WHARFINGER_BUNDLE_DAYS", "DAYS", "365";
    /// How many calls of one account are served at once; more are answered 429.
    max_calls_per_user, "max-calls-per-user", "WHARFINGER_MAX_CALLS_PER_USER", "NUMBER", "128";
    /// How many answers to one account stream at once (logs, events, pulls, terminals); more count as calls.
    max_streams_per_user, "max-streams-per-user", "WHARFINGER_MAX_STREAMS_PER_USER", "NUMBER", "1024";
    /// How many calls from one address are served at once while it is not known whose they are; more are answered 429.
    max_calls_per_address, "max-calls-per-address", "WHARFINGER_MAX_CALLS_PER_ADDRESS", "NUMBER", "512";
    /// How many connections one address may have; more are closed. Raise it where everybody comes through one balancer.
    max_connections_per_address, "max-connections-per-address", "WHARFINGER_MAX_CONNECTIONS_PER_ADDRESS", "NUMBER", "2048";
    /// The Kubernetes API server whose webhooks are kept right and whose pull secrets are read: a kubeconfig, or in-cluster.
    kubeconfig, "kubeconfig", "WHARFINGER_KUBECONFIG", "FILE", "";
    /// The engine's folder of per-registry CAs.
    engine_certs_dir, "engine-certs-dir", "WHARFINGER_ENGINE_CERTS_DIR", "DIR", "/etc/docker/certs.d";
    /// Logs on stderr: text or json.
    log_format, "log-format", "WHARFINGER_LOG_FORMAT", "FORMAT", "text";
}
