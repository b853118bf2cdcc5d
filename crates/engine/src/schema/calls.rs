//! The keys of `POST /containers/create` and of the two service calls, of all versions from 1.24 to 1.51 together: from
//! the API reference of each version and the engine's types for what it leaves out. A key that a version does not know
//! is ignored by its engine, so one list serves them all.

use super::Shape::{self, Leaf, List, Map, Object, Words};

const NOTHING: Shape = Object(&[]);
pub(super) const TEXTS: Shape = List(&Leaf);
pub(super) const LABELS: Shape = Map(&Leaf);
const SET: Shape = Map(&NOTHING);

const HEALTH: Shape =
    Object(&[(&["Test"], &Words), (&["Interval", "Timeout", "StartPeriod", "StartInterval", "Retries"], &Leaf)]);

pub(super) const DRIVER: Shape = Object(&[(&["Name"], &Leaf), (&["Options"], &LABELS)]);

const ULIMITS: Shape = List(&Object(&[(&["Name", "Soft", "Hard"], &Leaf)]));

/// Of containers and of services. A mount of type `image` names one in `Source` (since 1.48).
const MOUNTS: Shape = List(&Object(&[
    (&["Type", "Source", "Target", "ReadOnly", "Consistency"], &Leaf),
    (
        &["BindOptions"],
        &Object(&[(
            &["Propagation", "NonRecursive", "CreateMountpoint", "ReadOnlyNonRecursive", "ReadOnlyForceRecursive"],
            &Leaf,
        )]),
    ),
    (&["VolumeOptions"], &Object(&[(&["NoCopy", "Subpath"], &Leaf), (&["Labels"], &LABELS), (&["DriverConfig"], &DRIVER)])),
    (&["ImageOptions"], &Object(&[(&["Subpath"], &Leaf)])),
    (&["TmpfsOptions"], &Object(&[(&["SizeBytes", "Mode"], &Leaf), (&["Options"], &List(&TEXTS))])),
    (&["ClusterOptions"], &NOTHING),
]));

const WEIGHTS: Shape = List(&Object(&[(&["Path", "Weight"], &Leaf)]));
const RATES: Shape = List(&Object(&[(&["Path", "Rate"], &Leaf)]));

pub(super) const ENDPOINT: Shape = Object(&[
    (
        &[
            "NetworkID",
            "EndpointID",
            "Gateway",
            "IPAddress",
            "IPPrefixLen",
            "IPv6Gateway",
            "GlobalIPv6Address",
            "GlobalIPv6PrefixLen",
            "MacAddress",
            "GwPriority",
        ],
        &Leaf,
    ),
    (&["Links", "Aliases", "DNSNames"], &TEXTS),
    (&["DriverOpts"], &LABELS),
    (&["IPAMConfig"], &Object(&[(&["IPv4Address", "IPv6Address"], &Leaf), (&["LinkLocalIPs"], &TEXTS)])),
]);

pub(super) const HOST_CONFIG: Shape = Object(&[
    (
        &[
            "ContainerIDFile",
            "NetworkMode",
            "AutoRemove",
            "VolumeDriver",
            "CgroupnsMode",
            "IpcMode",
            "Cgroup",
            "OomScoreAdj",
            "PidMode",
            "Privileged",
            "PublishAllPorts",
            "ReadonlyRootfs",
            "UTSMode",
            "UsernsMode",
            "ShmSize",
            "Runtime",
            "Isolation",
            "Init",
            "InitPath",
            // Resources
            "CpuShares",
            "Memory",
            "NanoCpus",
            "NanoCPUs",
            "CgroupParent",
            "BlkioWeight",
            "CpuPeriod",
            "CpuQuota",
            "CpuRealtimePeriod",
            "CpuRealtimeRuntime",
            "CpusetCpus",
            "CpusetMems",
            "DiskQuota",
            "KernelMemory",
            "KernelMemoryTCP",
            "MemoryReservation",
            "MemorySwap",
            "MemorySwappiness",
            "OomKillDisable",
            "PidsLimit",
            "CpuCount",
            "CpuPercent",
            "IOMaximumIOps",
            "IOMaximumBandwidth",
        ],
        &Leaf,
    ),
    (
        &[
            "Binds",
            "VolumesFrom",
            "ConsoleSize",
            "CapAdd",
            "CapDrop",
            "Capabilities",
            "Dns",
            "DnsOptions",
            "DnsSearch",
            "ExtraHosts",
            "GroupAdd",
            "Links",
            "SecurityOpt",
            "DeviceCgroupRules",
            "MaskedPaths",
            "ReadonlyPaths",
        ],
        &TEXTS,
    ),
    (&["Annotations", "StorageOpt", "Tmpfs", "Sysctls"], &LABELS),
    (&["LogConfig"], &Object(&[(&["Type"], &Leaf), (&["Config"], &LABELS)])),
    (&["PortBindings"], &Map(&List(&Object(&[(&["HostIp", "HostPort"], &Leaf)])))),
    (&["RestartPolicy"], &Object(&[(&["Name", "MaximumRetryCount"], &Leaf)])),
    (&["BlkioWeightDevice"], &WEIGHTS),
    (&["BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps"], &RATES),
    (&["Devices"], &List(&Object(&[(&["PathOnHost", "PathInContainer", "CgroupPermissions"], &Leaf)]))),
    (
        &["DeviceRequests"],
        &List(&Object(&[
            (&["Driver", "Count"], &Leaf),
            (&["DeviceIDs"], &TEXTS),
            (&["Capabilities"], &List(&TEXTS)),
            (&["Options"], &LABELS),
        ])),
    ),
    (&["Ulimits"], &ULIMITS),
    (&["Mounts"], &MOUNTS),
]);

/// The body of `POST /containers/create`.
pub(crate) static CONTAINER_CREATE: Shape = Object(&[
    (
        &[
            "Image",
            "Hostname",
            "Domainname",
            "User",
            "AttachStdin",
            "AttachStdout",
            "AttachStderr",
            "Tty",
            "OpenStdin",
            "StdinOnce",
            "ArgsEscaped",
            "WorkingDir",
            "NetworkDisabled",
            "MacAddress",
            "StopSignal",
            "StopTimeout",
            // docker-py writes it here too; the engine reads the one in HostConfig.
            "Runtime",
        ],
        &Leaf,
    ),
    (&["Env", "OnBuild", "Shell"], &TEXTS),
    (&["Cmd", "Entrypoint"], &Words),
    (&["ExposedPorts", "Volumes"], &SET),
    (&["Labels"], &LABELS),
    (&["Healthcheck"], &HEALTH),
    (&["HostConfig"], &HOST_CONFIG),
    (&["NetworkingConfig"], &Object(&[(&["EndpointsConfig"], &Map(&ENDPOINT))])),
]);

const FILE: Shape = Object(&[(&["Name", "UID", "GID", "Mode"], &Leaf)]);

const PRIVILEGES: Shape = Object(&[
    (&["NoNewPrivileges"], &Leaf),
    (&["CredentialSpec"], &Object(&[(&["Config", "File", "Registry"], &Leaf)])),
    (&["SELinuxContext"], &Object(&[(&["Disable", "User", "Role", "Type", "Level"], &Leaf)])),
    (&["Seccomp"], &Object(&[(&["Mode", "Profile"], &Leaf)])),
    (&["AppArmor"], &Object(&[(&["Mode"], &Leaf)])),
]);

const CONTAINER_SPEC: Shape = Object(&[
    (
        &[
            "Image",
            "Hostname",
            "Dir",
            "User",
            "Init",
            "StopSignal",
            "TTY",
            "OpenStdin",
            "ReadOnly",
            "StopGracePeriod",
            "Isolation",
            "OomScoreAdj",
        ],
        &Leaf,
    ),
    (&["Labels", "Sysctls"], &LABELS),
    (&["Command", "Args", "Env", "Groups", "Hosts", "Capabilities", "CapabilityAdd", "CapabilityDrop"], &TEXTS),
    (&["Privileges"], &PRIVILEGES),
    (&["Mounts"], &MOUNTS),
    // The reference writes the first, the engine's own types the second.
    (&["HealthCheck", "Healthcheck"], &HEALTH),
    (&["DNSConfig"], &Object(&[(&["Nameservers", "Search", "Options"], &TEXTS)])),
    (&["Secrets"], &List(&Object(&[(&["SecretID", "SecretName"], &Leaf), (&["File"], &FILE)]))),
    (&["Configs"], &List(&Object(&[(&["ConfigID", "ConfigName"], &Leaf), (&["File"], &FILE), (&["Runtime"], &NOTHING)]))),
    (&["Ulimits"], &ULIMITS),
]);

/// The reference writes capitals, the engine's own types small letters.
const PLUGIN_SPEC: Shape = Object(&[
    (&["Name", "name", "Remote", "remote", "Disabled", "disabled"], &Leaf),
    (&["Env", "env"], &TEXTS),
    (
        &["PluginPrivilege", "Privileges", "privileges"],
        &List(&Object(&[(&["Name", "name", "Description", "description"], &Leaf), (&["Value", "value"], &TEXTS)])),
    ),
]);

const NETWORKS: Shape = List(&Object(&[(&["Target"], &Leaf), (&["Aliases"], &TEXTS), (&["DriverOpts"], &LABELS)]));

const RESOURCES: Shape = Object(&[
    (&["NanoCPUs", "MemoryBytes", "Pids"], &Leaf),
    (
        &["GenericResources"],
        &List(&Object(&[(&["NamedResourceSpec", "DiscreteResourceSpec"], &Object(&[(&["Kind", "Value"], &Leaf)]))])),
    ),
]);

const PLACEMENT: Shape = Object(&[
    (&["MaxReplicas"], &Leaf),
    (&["Constraints"], &TEXTS),
    (&["Preferences"], &List(&Object(&[(&["Spread"], &Object(&[(&["SpreadDescriptor"], &Leaf)]))]))),
    (&["Platforms"], &List(&Object(&[(&["Architecture", "OS"], &Leaf)]))),
]);

const TASK_TEMPLATE: Shape = Object(&[
    (&["ForceUpdate", "Runtime"], &Leaf),
    (&["ContainerSpec"], &CONTAINER_SPEC),
    (&["PluginSpec"], &PLUGIN_SPEC),
    (&["NetworkAttachmentSpec"], &Object(&[(&["ContainerID"], &Leaf)])),
    (&["Resources"], &Object(&[(&["Limits", "Reservations"], &RESOURCES)])),
    (&["RestartPolicy"], &Object(&[(&["Condition", "Delay", "MaxAttempts", "Window"], &Leaf)])),
    (&["Placement"], &PLACEMENT),
    (&["Networks"], &NETWORKS),
    (&["LogDriver"], &DRIVER),
]);

const UPDATE: Shape = Object(&[(&["Parallelism", "Delay", "FailureAction", "Monitor", "MaxFailureRatio", "Order"], &Leaf)]);

/// The body of `POST /services/create` and `POST /services/{id}/update`.
pub(crate) static SERVICE: Shape = Object(&[
    (&["Name"], &Leaf),
    (&["Labels"], &LABELS),
    (&["TaskTemplate"], &TASK_TEMPLATE),
    (
        &["Mode"],
        &Object(&[
            (&["Replicated"], &Object(&[(&["Replicas"], &Leaf)])),
            (&["Global", "GlobalJob"], &NOTHING),
            (&["ReplicatedJob"], &Object(&[(&["MaxConcurrent", "TotalCompletions"], &Leaf)])),
        ]),
    ),
    (&["UpdateConfig", "RollbackConfig"], &UPDATE),
    (&["Networks"], &NETWORKS),
    (
        &["EndpointSpec"],
        &Object(&[
            (&["Mode"], &Leaf),
            (&["Ports"], &List(&Object(&[(&["Name", "Protocol", "TargetPort", "PublishedPort", "PublishMode"], &Leaf)]))),
        ]),
    ),
]);
