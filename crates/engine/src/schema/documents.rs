//! The keys of the calls that make or change what has an owner, or reach something by name: of all versions from 1.24 to
//! 1.51 together, as in `calls`.

use super::Shape::{self, Leaf, List, Object, Words};
use super::calls::{DRIVER, ENDPOINT, HOST_CONFIG, LABELS, TEXTS};

const TOPOLOGIES: Shape = List(&Object(&[(&["Segments"], &LABELS)]));

const CLUSTER_VOLUME: Shape = Object(&[
    (&["Group", "Availability"], &Leaf),
    (
        &["AccessMode"],
        &Object(&[
            (&["Scope", "Sharing"], &Leaf),
            (&["MountVolume"], &Object(&[(&["FsType"], &Leaf), (&["MountFlags"], &TEXTS)])),
            (&["BlockVolume"], &Object(&[])),
        ]),
    ),
    (&["AccessibilityRequirements"], &Object(&[(&["Requisite", "Preferred"], &TOPOLOGIES)])),
    (&["CapacityRange"], &Object(&[(&["RequiredBytes", "LimitBytes"], &Leaf)])),
    (&["Secrets"], &List(&Object(&[(&["Key", "Secret"], &Leaf)]))),
]);

/// The body of `POST /volumes/create`.
pub(crate) static VOLUME_CREATE: Shape =
    Object(&[(&["Name", "Driver"], &Leaf), (&["DriverOpts", "Labels"], &LABELS), (&["ClusterVolumeSpec"], &CLUSTER_VOLUME)]);

const POOL: Shape = Object(&[(&["Subnet", "IPRange", "Gateway"], &Leaf), (&["AuxiliaryAddresses"], &LABELS)]);

/// The body of `POST /networks/create`.
pub(crate) static NETWORK_CREATE: Shape = Object(&[
    (
        &[
            "Name",
            "CheckDuplicate",
            "Driver",
            "Scope",
            "EnableIPv4",
            "EnableIPv6",
            "Internal",
            "Attachable",
            "Ingress",
            "ConfigOnly",
        ],
        &Leaf,
    ),
    (&["ConfigFrom"], &Object(&[(&["Network"], &Leaf)])),
    (&["IPAM"], &Object(&[(&["Driver"], &Leaf), (&["Options"], &LABELS), (&["Config"], &List(&POOL))])),
    (&["Options", "Labels"], &LABELS),
]);

/// The body of `POST /networks/{id}/connect`.
pub(crate) static NETWORK_CONNECT: Shape = Object(&[(&["Container"], &Leaf), (&["EndpointConfig"], &ENDPOINT)]);

/// The body of `POST /networks/{id}/disconnect`.
pub(crate) static NETWORK_DISCONNECT: Shape = Object(&[(&["Container", "Force"], &Leaf)]);

/// The bodies that make and change secrets and configs.
pub(crate) static SECRET: Shape =
    Object(&[(&["Name", "Data"], &Leaf), (&["Labels"], &LABELS), (&["Driver", "Templating"], &DRIVER)]);

/// The body of `POST /containers/{id}/exec`. docker-py names the container there once more; the engine does not read it.
pub(crate) static EXEC_CREATE: Shape = Object(&[
    (
        &[
            "User",
            "Privileged",
            "Tty",
            "AttachStdin",
            "AttachStdout",
            "AttachStderr",
            "Detach",
            // docker-py writes it small.
            "DetachKeys",
            "detachKeys",
            "WorkingDir",
            "Container",
        ],
        &Leaf,
    ),
    (&["ConsoleSize", "Env"], &TEXTS),
    (&["Cmd"], &Words),
]);

/// The body of `POST /containers/{id}/update`: what a host configuration holds, of which the engine takes resources and the
/// restart policy.
pub(crate) static CONTAINER_UPDATE: Shape = HOST_CONFIG;
