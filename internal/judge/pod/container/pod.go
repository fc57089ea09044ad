package container

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/pod"
	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// asPods are the checks of pods that count for a container too, under Docker's own words. An id is that of the pod's check.
func asPods() (all []Check) {
	of := map[string]pod.Check{}
	for _, c := range pod.Checks() {
		of[strings.TrimPrefix(c.ID, "pod/")] = c
	}
	for _, c := range podCards() {
		its := of[strings.TrimPrefix(c.ID, "container/")]
		c.Severity = cmp.Or(c.Severity, its.Severity)
		all = append(all, Check{Card: c, look: func(f *Facts) []check.Hit {
			hits, _ := its.Look(f.pod()) // all is known
			return hits
		}})
	}
	return all
}

func podCards() []check.Card {
	const its = finding.Severity("") // as the pod's check rates it
	return []check.Card{
		card("privileged", "a container is privileged", its, "5.5",
			"It has all capabilities and all devices of the host, and nothing confines it: whoever takes the container over has the host.",
			"Start it without --privileged, and give what it needs: one of --cap-add, or one of --device.", "--privileged", ""),
		card("host-network", "a container uses the network of its host", its, "5.10",
			"It listens and connects as the host does, past every rule for containers, and reaches what listens on the host's loopback.",
			"Start it without --network=host, and publish single ports: -p 127.0.0.1:8080:80.", "--network=host", "--network=shop"),
		card("host-pid", "a container sees the processes of its host", its, "5.16",
			"All processes of the host are in sight, with their arguments, and to root also their environment and their files through /proc/PID/root.",
			"Start it without --pid=host; --pid=container:NAME shows those of one other container.", "--pid=host", ""),
		card("host-ipc", "a container shares the host's memory segments and semaphores", its, "5.17",
			"It reads and writes the shared memory of the host's own programs.", "Start it without --ipc=host; --ipc=container:NAME shares with one other container.", "--ipc=host", "--ipc=private"),
		card("added-capability", "a container is given capabilities that no ordinary container has", its, "5.4",
			"Beyond those that Docker gives by itself, capabilities reach what is shared with the host: its network, its devices, its kernel.",
			"Start it without that --cap-add. To listen below port 1024, NET_BIND_SERVICE is enough.", "--cap-add=NET_ADMIN", "--cap-drop=ALL --cap-add=NET_BIND_SERVICE"),
		card("dangerous-capability", "a container is given a capability that reaches out of it", its, "5.4",
			"With this one, root in the container is root on the host, or close to it, by known ways.",
			"Start it without that --cap-add, and find out what the program needs it for.", "--cap-add=SYS_ADMIN", "--cap-drop=ALL"),
		card("kept-capabilities", "a container keeps capabilities that it does not need", its, "",
			"One that drops none runs, as root, with some fourteen of them, such as NET_RAW, to forge packets, and DAC_OVERRIDE, to read files of others. Hardly a program needs any.",
			"Start it with --cap-drop=ALL, and --cap-add=NET_BIND_SERVICE where it listens below port 1024.", "", "--cap-drop=ALL"),
		card("runtime-socket", "a container can command its host's container engine", its, "5.32",
			"Who may speak to that socket starts a privileged container with the host's disk in it: he is root on the host. Mounting it read-only changes nothing.",
			"Start it without that -v. What must see containers asks a proxy that lets single requests through (GET /containers), or a rootless engine of its own.",
			"-v /var/run/docker.sock:/var/run/docker.sock:ro", "-v data:/data"),
		card("sensitive-host-path", "a container has a folder of its host that nobody should have", its, "5.6",
			"Writing there is root on the host, or close to it; reading gives its keys and passwords.",
			"Start it without that -v, or mount the one file or folder that it needs, read-only: -v /etc/localtime:/etc/localtime:ro.", "-v /etc:/host/etc", "-v /etc/localtime:/etc/localtime:ro"),
		card("writable-host-path", "a container writes to a folder of its host", its, "",
			"A program of the host may follow a link that it leaves there, or run what it writes, or fill up with the disk.",
			"Mount it read-only (-v /srv/web:/data:ro), or use a volume (-v web:/data).", "-v /srv/web:/data", "-v /srv/web:/data:ro"),
		card("host-device", "a container has a device of its host", its, "5.18",
			"A disk or the memory as a device is the host's data, past all rights on files; the driver of any device is code of the kernel that is now within reach.",
			"Start it without that --device, or mount the folder that it needs.", "--device=/dev/fuse", ""),
		card("mount-propagation", "what a container mounts, its host sees", its, "5.20",
			"With shared propagation a container lays its own files over those of the host.",
			"Mount it without shared and rshared; with rslave it sees new mounts and makes none.", "-v /srv/web:/data:rshared", "-v /srv/web:/data:rslave"),
		card("apparmor-profile", "AppArmor is turned off", its, "5.2",
			"Docker's profile keeps even root in a container from mounting, from writing most of /proc and /sys, and from tracing what is outside.",
			"Start it without --security-opt apparmor=unconfined; a program that needs more gets a profile of its own.", "--security-opt apparmor=unconfined", ""),
		card("seccomp-unconfined", "seccomp is turned off", its, "5.22",
			"All system calls of the kernel are open, also the rare ones in which most holes were found that lead out of containers.",
			"Start it without --security-opt seccomp=unconfined; a program that needs more calls gets a profile of its own: --security-opt seccomp=profile.json.", "--security-opt seccomp=unconfined", ""),
		card("selinux-options", "SELinux options take a container out of its confinement", its, "5.3",
			"On hosts with SELinux, the type decides what a container may touch: spc_t is confined by nothing.",
			"Start it without --security-opt label=disable and label=type:spc_t.", "--security-opt label=type:spc_t", "--security-opt label=level:s0:c100,c200"),
		card("proc-mount", "a container has /proc without its masks", its, "",
			"Docker hides parts of /proc and /sys, because through them root in a container reads the host's memory and sets its kernel.",
			"Start it without --security-opt systempaths=unconfined.", "--security-opt systempaths=unconfined", ""),
		card("sysctl", "a container sets a kernel parameter that is not known to be safe", its, "",
			"Parameters that are not the container's alone change the kernel for all on the host.",
			"Start it without that --sysctl, or set it on the host.", "--sysctl kernel.msgmax=65536", "--sysctl net.ipv4.tcp_syncookies=1"),
		card("privilege-escalation", "a container may gain privileges", its, "5.26",
			"A program that is setuid or has file capabilities gives more rights than the container's user has: a hole in one makes root of it.",
			"Start it with --security-opt no-new-privileges, or set no-new-privileges: true in daemon.json for all. sudo, su and ping by setuid stop working.", "", "--security-opt no-new-privileges"),
		card("writable-root", "a container can change its own programs", its, "5.13",
			"Who breaks in can write tools and change the application; what is written is lost with the container, and seen by nobody.",
			"Start it with --read-only, and --tmpfs /tmp or volumes for what it writes.", "", "--read-only --tmpfs /tmp"),
		card("no-memory-limit", "a container may take all of the host's memory", its, "5.11",
			"One leak, or one who wants it so, takes the other containers and the host down with it.",
			"Start it with --memory 512m: what it took at its busiest, and some room.", "", "--memory 512m"),
		card("image-without-tag", "a container runs whatever was the latest image that day", its, "5.28",
			"Two hosts run different versions, and an update comes unasked with the next pull.",
			"Name a version, better with its digest: name:1.2.3@sha256:….", "example.org/web", "example.org/web:1.4"),
		card("image-without-digest", "an image is not pinned by its digest", its, "",
			"A tag can be moved to another image by whoever may push there, and the next container runs that.",
			"Name the digest: name:1.2.3@sha256:….", "example.org/web:1.4", image),
		card("secret-value", "a secret stands in a container's environment or command", its, "",
			"\"docker inspect\" shows it to everybody in the group docker, every process of the container has it, and it stands in the history of whoever started it.",
			"Give it as a file (-v /run/secrets/db:/run/secrets/db:ro) and NAME_FILE, which most images know. Change the secret: it has been read.",
			"-e DB_PASSWORD=Tr0ub4dor", "-e DB_PASSWORD_FILE=/run/secrets/db"),
		card("terminal", "a container waits for somebody at a terminal", its, "",
			"An open standard input is a way in for whoever may attach to it, and it is not logged what is typed there; services need none.",
			"Start it without -i and -t; docker exec brings its own.", "-it", ""),
		card("ssh-port", "a container has an SSH server's port", its, "5.7",
			"A way in with accounts and keys of its own, past what is logged of docker exec.",
			"Take the server and port 22 out.", "-p 127.0.0.1:2222:22", "-p 127.0.0.1:8080:8080"),
	}
}

// pod is the container as a pod that would run the same way.
func (f *Facts) pod() *pod.Facts {
	if f.asPod != nil {
		return f.asPod
	}
	w := &writer{c: f.Container, fields: map[string]string{"spec.containers[0]": "Config", "spec": "HostConfig"}}
	w.spec.Containers = []corev1.Container{{Name: "container", Command: f.Config.Entrypoint, Args: f.Config.Cmd, Stdin: f.Config.OpenStdin, TTY: f.Config.Tty}}
	w.one, w.security = &w.spec.Containers[0], &corev1.SecurityContext{}
	w.one.SecurityContext = w.security
	w.image()
	w.namespaces()
	w.rights()
	w.mounts()
	w.rest()
	f.asPod = &pod.Facts{
		Workload: &kube.Workload{Object: &kube.Object{Kind: "container", Name: f.Name}, Spec: w.spec},
		Secret:   f.Secret,
		Tell:     func(field, detail string) check.Hit { return f.hit(w.docker(field), detail) },
	}
	return f.asPod
}

// writer writes a container as a pod, and knows what Docker calls the pod's fields.
type writer struct {
	c        *host.Container
	spec     corev1.PodSpec
	one      *corev1.Container
	security *corev1.SecurityContext
	fields   map[string]string
}

// docker is what Docker calls a field of the pod: the longest that is known above it.
func (w *writer) docker(field string) string {
	best := ""
	for f := range w.fields {
		if strings.HasPrefix(field, f) && len(f) > len(best) {
			best = f
		}
	}
	return w.fields[best]
}

func (w *writer) calls(field, docker string) { w.fields[field] = docker }

// image is what the container was started of. One that was named by its id is pinned, and has no name to be judged.
func (w *writer) image() {
	w.calls("spec.containers[0].image", "Config.Image")
	name := w.c.Config.Image
	if !strings.HasPrefix(name, "sha256:") && (len(name) < 12 || strings.Trim(name, "0123456789abcdef") != "") {
		w.one.Image = name
	}
}

func (w *writer) namespaces() {
	h := &w.c.HostConfig
	w.spec.HostNetwork, w.spec.HostPID, w.spec.HostIPC = h.NetworkMode == "host", h.PidMode == "host", h.IpcMode == "host"
	w.calls("spec.hostNetwork", "HostConfig.NetworkMode")
	w.calls("spec.hostPID", "HostConfig.PidMode")
	w.calls("spec.hostIPC", "HostConfig.IpcMode")
	for _, name := range slices.Sorted(maps.Keys(h.Sysctls)) {
		if w.spec.SecurityContext == nil {
			w.spec.SecurityContext = &corev1.PodSecurityContext{}
		}
		w.calls(fmt.Sprintf("spec.securityContext.sysctls[%d]", len(w.spec.SecurityContext.Sysctls)), "HostConfig.Sysctls "+name)
		w.spec.SecurityContext.Sysctls = append(w.spec.SecurityContext.Sysctls, corev1.Sysctl{Name: name, Value: h.Sysctls[name]})
	}
}

func (w *writer) rights() {
	const at = "spec.containers[0].securityContext."
	h, s := &w.c.HostConfig, w.security
	s.Privileged, s.ReadOnlyRootFilesystem = &h.Privileged, &h.ReadonlyRootfs
	w.calls(at+"privileged", "HostConfig.Privileged")
	w.calls(at+"readOnlyRootFilesystem", "HostConfig.ReadonlyRootfs")
	s.Capabilities = &corev1.Capabilities{Add: capabilities(h.CapAdd), Drop: capabilities(h.CapDrop)}
	w.calls(at+"capabilities", "HostConfig.CapDrop")
	w.calls(at+"capabilities.add", "HostConfig.CapAdd")
	w.calls(at+"capabilities.drop", "HostConfig.CapDrop")
	for i, name := range s.Capabilities.Add {
		w.calls(fmt.Sprintf(at+"capabilities.add[%d]", i), "HostConfig.CapAdd "+string(name))
	}
	for _, option := range []string{"allowPrivilegeEscalation", "seccompProfile", "appArmorProfile", "seLinuxOptions", "procMount"} {
		w.calls(at+option, "HostConfig.SecurityOpt "+map[string]string{
			"allowPrivilegeEscalation": "no-new-privileges", "seccompProfile": "seccomp", "appArmorProfile": "apparmor", "seLinuxOptions": "label", "procMount": "systempaths",
		}[option])
	}
	value, set := w.c.Option("no-new-privileges")
	if w.c.NoNewPrivileges != nil && *w.c.NoNewPrivileges || set && value != "false" {
		s.AllowPrivilegeEscalation = new(bool)
	}
	s.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	if value, _ := w.c.Option("seccomp"); value == "unconfined" {
		s.SeccompProfile.Type = corev1.SeccompProfileTypeUnconfined
	}
	if value, _ := w.c.Option("apparmor"); value == "unconfined" || w.c.AppArmorProfile == "unconfined" {
		s.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
	}
	if h.MaskedPaths != nil && len(*h.MaskedPaths) == 0 && !h.Privileged {
		unmasked := corev1.UnmaskedProcMount
		s.ProcMount = &unmasked
	}
	for _, label := range w.c.Options("label") {
		if t, ok := strings.CutPrefix(label, "type:"); ok {
			s.SELinuxOptions = &corev1.SELinuxOptions{Type: t}
		} else if label == "disable" || label == "false" {
			s.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t"} // as which it then runs
		}
	}
}

func capabilities(names []string) (all []corev1.Capability) {
	for _, name := range names {
		all = append(all, corev1.Capability(strings.TrimPrefix(strings.ToUpper(name), "CAP_")))
	}
	return all
}

// mounts are the paths of the host that it has, and its devices. Docker's own volumes are none.
func (w *writer) mounts() {
	add := func(source, docker string, m corev1.VolumeMount) {
		m.Name = "v" + strconv.Itoa(len(w.spec.Volumes))
		w.calls(fmt.Sprintf("spec.volumes[%d]", len(w.spec.Volumes)), docker+" "+source)
		w.calls(fmt.Sprintf("spec.containers[0].volumeMounts[%d]", len(w.one.VolumeMounts)), docker+" "+source)
		w.spec.Volumes = append(w.spec.Volumes, corev1.Volume{Name: m.Name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: source}}})
		w.one.VolumeMounts = append(w.one.VolumeMounts, m)
	}
	for _, m := range w.c.Mounted() {
		if m.Source == "" || m.Type != "bind" && (m.Type != "" || !path.IsAbs(m.Source)) {
			continue
		}
		mount := corev1.VolumeMount{MountPath: m.Destination, ReadOnly: !m.RW}
		if strings.HasSuffix(m.Propagation, "shared") {
			both := corev1.MountPropagationBidirectional
			mount.MountPropagation = &both
		}
		add(m.Source, "Mounts", mount)
	}
	for _, d := range w.c.HostConfig.Devices {
		add(d.PathOnHost, "HostConfig.Devices", corev1.VolumeMount{MountPath: d.PathInContainer})
	}
}

func (w *writer) rest() {
	for i, setting := range w.c.Config.Env {
		name, value, _ := strings.Cut(setting, "=")
		w.one.Env = append(w.one.Env, corev1.EnvVar{Name: name, Value: value})
		w.calls(fmt.Sprintf("spec.containers[0].env[%d]", i), "Config.Env "+name)
	}
	w.calls("spec.containers[0].command", "Config.Entrypoint")
	w.calls("spec.containers[0].args", "Config.Cmd")
	w.calls("spec.containers[0].stdin", "Config.OpenStdin")
	w.calls("spec.containers[0].tty", "Config.Tty")
	w.calls("spec.containers[0].resources.limits.memory", "HostConfig.Memory")
	if m := w.c.HostConfig.Memory; m > 0 {
		w.one.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(m, resource.BinarySI)}
	}
	ports := slices.Collect(maps.Keys(w.c.Config.ExposedPorts))
	for _, p := range w.c.Published() {
		ports = append(ports, p.Port)
	}
	slices.Sort(ports)
	for _, p := range slices.Compact(ports) {
		number, _, _ := strings.Cut(p, "/")
		if n, err := strconv.ParseInt(number, 10, 32); err == nil {
			w.calls(fmt.Sprintf("spec.containers[0].ports[%d]", len(w.one.Ports)), "Config.ExposedPorts "+p)
			w.one.Ports = append(w.one.Ports, corev1.ContainerPort{ContainerPort: int32(n)})
		}
	}
}
