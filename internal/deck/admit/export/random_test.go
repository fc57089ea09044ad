package export

import (
	"fmt"
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// dice makes pods in which each field that a check looks at has, now and then, a value that it looks for.
type dice struct{ *rand.Rand }

func (d dice) rarely() bool { return d.IntN(4) == 0 }

func pick[T any](d dice, all ...T) T { return all[d.IntN(len(all))] }

func maybe[T any](d dice, all ...T) *T {
	if d.rarely() {
		v := pick(d, all...)
		return &v
	}
	return nil
}

func some[T any](d dice, make func() T) (all []T) {
	for d.rarely() && len(all) < 3 {
		all = append(all, make())
	}
	return all
}

func zeroOr[T any](d dice, all ...T) (none T) {
	if d.rarely() {
		return pick(d, all...)
	}
	return none
}

func (d dice) pod(namespace string) *corev1.Pod {
	p := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: "cart", Namespace: namespace, Annotations: map[string]string{}},
	}
	for d.rarely() {
		p.Annotations["container.apparmor.security.beta.kubernetes.io/"+pick(d, "c0", "c1", "nobody", "")] = pick(d, "unconfined", "runtime/default", "localhost/x", "")
	}
	s := &p.Spec
	for i := range 1 + d.IntN(2) {
		s.Containers = append(s.Containers, d.container(fmt.Sprintf("c%d", i)))
	}
	for i := range d.IntN(2) {
		c := d.container(fmt.Sprintf("i%d", i))
		c.RestartPolicy = maybe(d, corev1.ContainerRestartPolicyAlways)
		s.InitContainers = append(s.InitContainers, c)
	}
	if d.rarely() {
		s.EphemeralContainers = append(s.EphemeralContainers, d.ephemeral("e0"))
	}
	s.HostNetwork, s.HostPID, s.HostIPC = d.rarely(), d.rarely(), d.rarely()
	s.HostUsers, s.ShareProcessNamespace, s.AutomountServiceAccountToken = maybe(d, true, false), maybe(d, true, false), maybe(d, true, false)
	s.ServiceAccountName, s.DeprecatedServiceAccount = zeroOr(d, "default", "cart"), zeroOr(d, "default", "cart")
	s.NodeName, s.PriorityClassName = zeroOr(d, "node-1"), zeroOr(d, "system-node-critical", "shop")
	if d.rarely() {
		s.OS = &corev1.PodOS{Name: pick(d, corev1.Windows, corev1.Linux)}
	}
	s.NodeSelector = zeroOr(d, map[string]string{"kubernetes.io/os": "windows"}, map[string]string{"node-role.kubernetes.io/master": ""}, map[string]string{"disk": "fast"})
	s.Tolerations = some(d, func() corev1.Toleration {
		return corev1.Toleration{
			Key: pick(d, "", "node-role.kubernetes.io/control-plane", "dedicated"), Operator: pick(d, corev1.TolerationOpExists, corev1.TolerationOpEqual, ""),
			Effect: pick(d, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute, ""),
		}
	})
	s.HostAliases = some(d, func() corev1.HostAlias { return corev1.HostAlias{IP: "10.0.0.1", Hostnames: []string{"a"}} })
	if d.rarely() {
		s.Resources = new(corev1.ResourceRequirements)
		*s.Resources = d.resources()
	}
	if d.rarely() {
		s.SecurityContext = &corev1.PodSecurityContext{
			RunAsUser: maybe[int64](d, 0, 1000, 10001), RunAsGroup: maybe[int64](d, 0, 1000, 10001), FSGroup: maybe[int64](d, 0, 1000, 10001),
			SupplementalGroups: some(d, func() int64 { return pick[int64](d, 0, 1000) }), RunAsNonRoot: maybe(d, true, false),
			SeccompProfile: d.seccomp(), SELinuxOptions: d.selinux(), AppArmorProfile: d.apparmor(), WindowsOptions: d.windows(),
			Sysctls: some(d, func() corev1.Sysctl {
				return corev1.Sysctl{Name: pick(d, "kernel.msgmax", "net.ipv4.tcp_rmem", "kernel.shm_rmid_forced"), Value: "1"}
			}),
		}
	}
	for i := range d.IntN(3) {
		s.Volumes = append(s.Volumes, corev1.Volume{Name: fmt.Sprintf("v%d", i), VolumeSource: d.volume()})
	}
	return p
}

func (d dice) ephemeral(name string) corev1.EphemeralContainer {
	c := d.container(name)
	c.Ports, c.Resources, c.LivenessProbe, c.ReadinessProbe, c.StartupProbe, c.Lifecycle = nil, corev1.ResourceRequirements{}, nil, nil, nil, nil
	return corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(c)}
}

func (d dice) seccomp() *corev1.SeccompProfile {
	return maybe(d, corev1.SeccompProfile{Type: "RuntimeDefault"}, corev1.SeccompProfile{Type: "Localhost"}, corev1.SeccompProfile{Type: "Unconfined"}, corev1.SeccompProfile{})
}

func (d dice) apparmor() *corev1.AppArmorProfile {
	return maybe(d, corev1.AppArmorProfile{Type: "RuntimeDefault"}, corev1.AppArmorProfile{Type: "Localhost"}, corev1.AppArmorProfile{Type: "Unconfined"}, corev1.AppArmorProfile{})
}

func (d dice) selinux() *corev1.SELinuxOptions {
	return maybe(d, corev1.SELinuxOptions{Type: "spc_t"}, corev1.SELinuxOptions{Type: "container_t"}, corev1.SELinuxOptions{User: "u"}, corev1.SELinuxOptions{Role: "r", Level: "s0"}, corev1.SELinuxOptions{})
}

func (d dice) windows() *corev1.WindowsSecurityContextOptions {
	w := corev1.WindowsSecurityContextOptions{HostProcess: maybe(d, true, false), RunAsUserName: maybe(d, "ContainerAdministrator", `NT AUTHORITY\System`, "ContainerUser", "")}
	return maybe(d, w)
}

func (d dice) resources() corev1.ResourceRequirements {
	list := func() corev1.ResourceList {
		all := corev1.ResourceList{}
		for _, name := range []corev1.ResourceName{"cpu", "memory", "ephemeral-storage", "nvidia.com/gpu", "requests.kubernetes.io/x", "kubernetes.io/y"} {
			if d.IntN(3) == 0 {
				all[name] = resource.MustParse(pick(d, "0", "100m", "1", "2", "64Mi", "4Gi", "1e3"))
			}
		}
		return all
	}
	return corev1.ResourceRequirements{Requests: list(), Limits: list()}
}

func (d dice) image() string {
	return pick(d, "nginx", "nginx:1", "shop/cart:latest", "registry.example/shop/cart:1.4", "registry.example/shop/cart", "localhost/cart:1", "localhost:5000/a/b",
		"docker.io/library/nginx", "index.docker.io/nginx", "registry-1.docker.io/shop/cart:2", "REG/cart:1", "Cart", "", "a@", "a:", "a:latest@x", "x/y:latest",
		"good.example/a/b/c:1", "good.example/a", "evil.example/good.example/a", "registry.example/shop/cart@sha256:"+digest, "registry.example/shop/cart:1@sha256:"+digest,
		"registry.example/shop/cart@sha256:1", "good.example:443/a", "[::1]:5000/a", "docker.io/nginx/", "a//b", "registry.example/shop/cart-2:1", "a b", "docker.io/a/b/c", "x.y:z/a")
}

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func (d dice) container(name string) corev1.Container {
	c := corev1.Container{
		Name: name, Image: d.image(), ImagePullPolicy: zeroOr(d, corev1.PullNever, corev1.PullIfNotPresent, corev1.PullAlways),
		Stdin: d.rarely(), TTY: d.rarely(), Resources: d.resources(),
		Ports: some(d, func() corev1.ContainerPort {
			return corev1.ContainerPort{ContainerPort: pick[int32](d, 22, 80), HostPort: pick[int32](d, 0, 80), Protocol: pick(d, corev1.ProtocolTCP, corev1.ProtocolUDP, "")}
		}),
		LivenessProbe: d.probe(), ReadinessProbe: d.probe(), StartupProbe: d.probe(),
		VolumeMounts: some(d, func() corev1.VolumeMount {
			return corev1.VolumeMount{
				Name: pick(d, "v0", "v1", "v2"), MountPath: "/x", ReadOnly: d.rarely(), SubPath: zeroOr(d, "a"), SubPathExpr: zeroOr(d, "$(A)"),
				MountPropagation: maybe(d, corev1.MountPropagationBidirectional, corev1.MountPropagationNone),
			}
		}),
		Env: some(d, func() corev1.EnvVar {
			return pick(d, corev1.EnvVar{Name: "A", Value: "b"}, corev1.EnvVar{Name: "B", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Key: "k"}}},
				corev1.EnvVar{Name: "C", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}}})
		}),
		EnvFrom: some(d, func() corev1.EnvFromSource {
			return pick(d, corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{}}, corev1.EnvFromSource{ConfigMapRef: &corev1.ConfigMapEnvSource{}})
		}),
	}
	if d.rarely() {
		c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{HTTPGet: d.get()}}
	}
	if d.rarely() {
		c.Lifecycle = &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{TCPSocket: &corev1.TCPSocketAction{Host: zeroOr(d, "h")}}}
	}
	if d.IntN(2) == 0 {
		c.SecurityContext = &corev1.SecurityContext{
			Privileged: maybe(d, true, false), AllowPrivilegeEscalation: maybe(d, true, false), ReadOnlyRootFilesystem: maybe(d, true, false),
			RunAsUser: maybe[int64](d, 0, 1000, 10001), RunAsGroup: maybe[int64](d, 0, 1000, 10001), RunAsNonRoot: maybe(d, true, false),
			SeccompProfile: d.seccomp(), SELinuxOptions: d.selinux(), AppArmorProfile: d.apparmor(), WindowsOptions: d.windows(),
			ProcMount: maybe(d, corev1.UnmaskedProcMount, corev1.DefaultProcMount),
		}
		if d.IntN(2) == 0 {
			c.SecurityContext.Capabilities = &corev1.Capabilities{
				Add: some(d, func() corev1.Capability {
					return pick[corev1.Capability](d, "ALL", "SYS_ADMIN", "CAP_BPF", "net_admin", "NET_BIND_SERVICE", "CHOWN", "FSETID", "CAP_CAP_X", "NOBODY", "NET_RAW", "SYS_NICE", "")
				}),
				Drop: some(d, func() corev1.Capability {
					return pick[corev1.Capability](d, "ALL", "all", "NET_RAW", "CAP_NET_RAW", "CHOWN")
				}),
			}
		}
	}
	return c
}

func (d dice) get() *corev1.HTTPGetAction {
	return &corev1.HTTPGetAction{Host: zeroOr(d, "h"), Port: intstr.FromInt32(80)}
}

func (d dice) probe() *corev1.Probe {
	if !d.rarely() {
		return nil
	}
	return pick(d, &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: d.get()}}, &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: zeroOr(d, "h")}}},
		&corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"a"}}}})
}

func (d dice) volume() (v corev1.VolumeSource) {
	switch d.IntN(14) {
	case 0:
		v.EmptyDir = &corev1.EmptyDirVolumeSource{Medium: zeroOr(d, corev1.StorageMediumMemory)}
		if d.rarely() {
			q := resource.MustParse(pick(d, "0", "64Mi"))
			v.EmptyDir.SizeLimit = &q
		}
	case 1:
		v.NFS = &corev1.NFSVolumeSource{}
	case 2:
		v.GitRepo = &corev1.GitRepoVolumeSource{}
	case 3:
		v.Projected = &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{ExpirationSeconds: maybe[int64](d, 3600, 90000)}}, {ConfigMap: &corev1.ConfigMapProjection{}}}}
	case 4:
		v.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "c"}
	case 5: // nothing: an emptyDir
	case 6:
		v.ConfigMap = &corev1.ConfigMapVolumeSource{}
	case 7, 8:
		v.Image = &corev1.ImageVolumeSource{Reference: d.image(), PullPolicy: zeroOr(d, corev1.PullNever, corev1.PullIfNotPresent, corev1.PullAlways)}
	default:
		v.HostPath = &corev1.HostPathVolumeSource{Path: pick(d, "/", "/etc", "/etc/", "//etc//kubernetes", "/etc/kubernetes/pki/", "/var/run/docker.sock", "/run/./containerd/containerd.sock", "/run", "/var/lib/kubelet",
			"/var/lib/kubelet/pods/x", "/usr", "/usr/lib/modules/6", "/usr/share/zoneinfo/x", "/etc/ssl/certs", "/dev/sda", "/dev/shm", "/dev/log", "/dev/tty", "/dev", "/sys/fs", "/srv/x", "srv", "", "/etcetera", "/proc/1",
			"/etc/passwd", "/etc/ssh/x", "/lib", "/lib/modules", "/lib64/x", "/var/log", "/var/log/pods", "/boot", "/opt/cni/bin", "/usr/src/x", "/homes", "/home/a", "/sdfoo", "/dev/dm-0")}
		v.HostPath.Type = maybe(d, corev1.HostPathBlockDev, corev1.HostPathCharDev, corev1.HostPathDirectory)
	}
	return v
}
