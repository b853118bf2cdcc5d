// What the engine reads: its request types, decoded by the decoder it uses.
//
// On stdin come questions, each a letter, a length (four bytes, big endian) and that many bytes; to each an answer (length and
// JSON) goes to stdout. c: a body of POST /containers/create. s: a service. q: a query. p: a path. The types follow the
// engine's (20.10 to 24, which embed the host configuration in the request itself) as far as anything in them says what
// runs, with which rights, and where.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"reflect"
	"strings"
)

type words []string

// The engine takes one text for a list of one.
func (w *words) UnmarshalJSON(b []byte) error {
	list := []string{}
	if err := json.Unmarshal(b, &list); err != nil {
		var one string
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		list = []string{one}
	}
	*w = list
	return nil
}

type labels map[string]string

type health struct {
	Test                                          []string
	Interval, Timeout, StartPeriod, StartInterval int64
	Retries                                       int
}

type driver struct {
	Name    string
	Options labels
}

type ulimit struct {
	Name       string
	Hard, Soft int64
}

type mount struct {
	Type, Source, Target string
	ReadOnly             bool
	Consistency          string
	BindOptions          *struct {
		Propagation                                                                  string
		NonRecursive, CreateMountpoint, ReadOnlyNonRecursive, ReadOnlyForceRecursive bool
	}
	VolumeOptions *struct {
		NoCopy       bool
		Labels       labels
		Subpath      string
		DriverConfig *driver
	}
	ImageOptions *struct{ Subpath string }
	TmpfsOptions *struct {
		SizeBytes int64
		Mode      uint32
		Options   [][]string
	}
	ClusterOptions *struct{}
}

type Config struct {
	Hostname, Domainname, User              string
	AttachStdin, AttachStdout, AttachStderr bool
	ExposedPorts                            map[string]struct{}
	Tty, OpenStdin, StdinOnce               bool
	Env                                     []string
	Cmd                                     words
	Healthcheck                             *health
	ArgsEscaped                             bool
	Image                                   string
	Volumes                                 map[string]struct{}
	WorkingDir                              string
	Entrypoint                              words
	NetworkDisabled                         bool
	MacAddress                              string
	OnBuild                                 []string
	Labels                                  labels
	StopSignal                              string
	StopTimeout                             *int
	Shell                                   words
}

type weight struct {
	Path   string
	Weight uint16
}

type rate struct {
	Path string
	Rate uint64
}

type resources struct {
	CPUShares                                                                          int64 `json:"CpuShares"`
	Memory                                                                             int64
	NanoCPUs                                                                           int64 `json:"NanoCpus"`
	CgroupParent                                                                       string
	BlkioWeight                                                                        uint16
	BlkioWeightDevice                                                                  []*weight
	BlkioDeviceReadBps, BlkioDeviceWriteBps, BlkioDeviceReadIOps, BlkioDeviceWriteIOps []*rate
	CPUPeriod                                                                          int64 `json:"CpuPeriod"`
	CPUQuota                                                                           int64 `json:"CpuQuota"`
	CPURealtimePeriod                                                                  int64 `json:"CpuRealtimePeriod"`
	CPURealtimeRuntime                                                                 int64 `json:"CpuRealtimeRuntime"`
	CpusetCpus, CpusetMems                                                             string
	Devices                                                                            []struct{ PathOnHost, PathInContainer, CgroupPermissions string }
	DeviceCgroupRules                                                                  []string
	DeviceRequests                                                                     []struct {
		Driver       string
		Count        int
		DeviceIDs    []string
		Capabilities [][]string
		Options      labels
	}
	KernelMemory, KernelMemoryTCP, MemoryReservation, MemorySwap int64
	MemorySwappiness                                             *int64
	OomKillDisable                                               *bool
	PidsLimit                                                    *int64
	Ulimits                                                      []*ulimit
	CPUCount                                                     int64 `json:"CpuCount"`
	CPUPercent                                                   int64 `json:"CpuPercent"`
	IOMaximumIOps, IOMaximumBandwidth                            uint64
}

type HostConfig struct {
	Binds           []string
	ContainerIDFile string
	LogConfig       struct {
		Type   string
		Config labels
	}
	NetworkMode  string
	PortBindings map[string][]struct {
		HostIP   string `json:"HostIp"`
		HostPort string
	}
	RestartPolicy struct {
		Name              string
		MaximumRetryCount int
	}
	AutoRemove                                  bool
	VolumeDriver                                string
	VolumesFrom                                 []string
	Annotations                                 labels
	CapAdd, CapDrop, Capabilities               words
	CgroupnsMode                                string
	DNS                                         []string `json:"Dns"`
	DNSOptions                                  []string `json:"DnsOptions"`
	DNSSearch                                   []string `json:"DnsSearch"`
	ExtraHosts, GroupAdd                        []string
	IpcMode, Cgroup                             string
	Links                                       []string
	OomScoreAdj                                 int
	PidMode                                     string
	Privileged, PublishAllPorts, ReadonlyRootfs bool
	SecurityOpt                                 []string
	StorageOpt, Tmpfs                           labels
	UTSMode, UsernsMode                         string
	ShmSize                                     int64
	Sysctls                                     labels
	Runtime                                     string
	ConsoleSize                                 [2]uint
	Isolation                                   string
	resources
	Mounts                     []mount
	MaskedPaths, ReadonlyPaths []string
	Init                       *bool
}

type endpoint struct {
	IPAMConfig *struct {
		IPv4Address, IPv6Address string
		LinkLocalIPs             []string
	}
	Links, Aliases, DNSNames                                                              []string
	NetworkID, EndpointID, Gateway, IPAddress, IPv6Gateway, GlobalIPv6Address, MacAddress string
	IPPrefixLen, GlobalIPv6PrefixLen, GwPriority                                          int
	DriverOpts                                                                            labels
}

type create struct {
	*Config
	InnerHostConfig  *HostConfig `json:"HostConfig"`
	Cpuset           string
	NetworkingConfig *struct{ EndpointsConfig map[string]*endpoint }
	*HostConfig
}

// What the engine makes of the two places of a host configuration.
func (c *create) effective() *HostConfig {
	outer, inner := c.HostConfig, c.InnerHostConfig
	if inner == nil {
		return outer
	}
	if outer != nil {
		if outer.Memory != 0 && inner.Memory == 0 {
			inner.Memory = outer.Memory
		}
		if outer.MemorySwap != 0 && inner.MemorySwap == 0 {
			inner.MemorySwap = outer.MemorySwap
		}
		if outer.CPUShares != 0 && inner.CPUShares == 0 {
			inner.CPUShares = outer.CPUShares
		}
		if outer.CpusetCpus != "" && inner.CpusetCpus == "" {
			inner.CpusetCpus = outer.CpusetCpus
		}
		if outer.VolumeDriver != "" && inner.VolumeDriver == "" {
			inner.VolumeDriver = outer.VolumeDriver
		}
	}
	return inner
}

type file struct {
	Name, UID, GID string
	Mode           uint32
}

type network struct {
	Target     string
	Aliases    []string
	DriverOpts labels
}

type kindValue struct {
	Kind  string
	Value string
}

type kindCount struct {
	Kind  string
	Value int64
}

type bounds struct {
	NanoCPUs, MemoryBytes, Pids int64
	GenericResources            []struct {
		NamedResourceSpec    *kindValue
		DiscreteResourceSpec *kindCount
	}
}

type containerSpec struct {
	Image         string
	Labels        labels
	Command, Args []string
	Hostname      string
	Env           []string
	Dir, User     string
	Groups        []string
	Privileges    *struct {
		NoNewPrivileges bool
		CredentialSpec  *struct{ Config, File, Registry string }
		SELinuxContext  *struct {
			Disable                 bool
			User, Role, Type, Level string
		}
		Seccomp *struct {
			Mode    string
			Profile []byte
		}
		AppArmor *struct{ Mode string }
	}
	Init                     *bool
	StopSignal               string
	TTY, OpenStdin, ReadOnly bool
	Mounts                   []mount
	StopGracePeriod          *int64
	Healthcheck              *health
	Hosts                    []string
	DNSConfig                *struct{ Nameservers, Search, Options []string }
	Secrets                  []*struct {
		File                 *file
		SecretID, SecretName string
	}
	Configs []*struct {
		File                 *file
		Runtime              *struct{}
		ConfigID, ConfigName string
	}
	Isolation                                   string
	Sysctls                                     labels
	Capabilities, CapabilityAdd, CapabilityDrop []string
	Ulimits                                     []*ulimit
	OomScoreAdj                                 int64
}

type update struct {
	Parallelism     uint64
	Delay           int64
	FailureAction   string
	Monitor         int64
	MaxFailureRatio float32
	Order           string
}

type annotations struct {
	Name   string
	Labels labels
}

type service struct {
	annotations
	TaskTemplate struct {
		ContainerSpec *containerSpec
		PluginSpec    *struct {
			Name, Remote string
			Privileges   []*struct {
				Name, Description string
				Value             []string
			}
			Disabled bool
			Env      []string
		}
		NetworkAttachmentSpec *struct{ ContainerID string }
		Resources             *struct{ Limits, Reservations *bounds }
		RestartPolicy         *struct {
			Condition   string
			Delay       *int64
			MaxAttempts *uint64
			Window      *int64
		}
		Placement *struct {
			Constraints []string
			Preferences []struct {
				Spread *struct{ SpreadDescriptor string }
			}
			MaxReplicas uint64
			Platforms   []struct{ Architecture, OS string }
		}
		Networks    []network
		LogDriver   *driver
		ForceUpdate uint64
		Runtime     string
	}
	Mode struct {
		Replicated    *struct{ Replicas *uint64 }
		Global        *struct{}
		ReplicatedJob *struct{ MaxConcurrent, TotalCompletions *uint64 }
		GlobalJob     *struct{}
	}
	UpdateConfig, RollbackConfig *update
	Networks                     []network
	EndpointSpec                 *struct {
		Mode  string
		Ports []struct {
			Name, Protocol            string
			TargetPort, PublishedPort uint32
			PublishMode               string
		}
	}
}

func images(image string, mounts []mount) []string {
	found := []string{}
	if image != "" {
		found = append(found, image)
	}
	for _, m := range mounts {
		if m.Type == "image" && m.Source != "" {
			found = append(found, m.Source)
		}
	}
	return found
}

type answer struct {
	Read   interface{}
	Images []string
	// Whether the host configuration that holds says more than the one in its own place.
	Elsewhere bool
}

func answerTo(kind byte, question []byte) interface{} {
	switch kind {
	case 'c':
		var c create
		if json.NewDecoder(bytes.NewReader(question)).Decode(&c) != nil {
			return nil
		}
		if c.Config == nil {
			c.Config = &Config{}
		}
		alone := HostConfig{}
		if c.InnerHostConfig != nil {
			alone = *c.InnerHostConfig
		}
		host := c.effective()
		if host == nil {
			host = &HostConfig{}
		}
		read := []interface{}{c.Config, host, c.NetworkingConfig, c.Cpuset}
		return answer{read, images(c.Image, host.Mounts), !reflect.DeepEqual(alone, *host)}
	case 's':
		var s service
		if json.NewDecoder(bytes.NewReader(question)).Decode(&s) != nil {
			return nil
		}
		spec := s.TaskTemplate.ContainerSpec
		if spec == nil {
			return answer{s, []string{}, false}
		}
		return answer{s, images(spec.Image, spec.Mounts), false}
	case 'q':
		request := &http.Request{Method: "POST", URL: &url.URL{RawQuery: string(question)}, Body: http.NoBody}
		if request.ParseForm() != nil {
			return nil
		}
		return request.Form
	default:
		target, err := url.ParseRequestURI(string(question))
		if err != nil {
			return nil
		}
		// The engine's router sends whoever writes another path than the clean one away.
		if path.Clean(target.Path) != target.Path {
			return nil
		}
		return strings.Split(target.Path, "/")[1:]
	}
}

func main() {
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		kind, err := in.ReadByte()
		if err != nil {
			return
		}
		var length uint32
		if binary.Read(in, binary.BigEndian, &length) != nil {
			return
		}
		question := make([]byte, length)
		if _, err := io.ReadFull(in, question); err != nil {
			return
		}
		said, err := json.Marshal(answerTo(kind, question))
		if err != nil {
			panic(err)
		}
		binary.Write(out, binary.BigEndian, uint32(len(said)))
		out.Write(said)
	}
}
