package migration

import (
	"math/rand/v2"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// randomPod is one that mostly keeps to what is allowed, so that all policies admit some.
func randomPod(r *rand.Rand) *corev1.Pod {
	p := &corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: "shop"}}
	g := generator{r}
	p.Spec.ServiceAccountName = pick(r, "web", "db", "agent", "default", "other")
	p.Spec.Containers = []corev1.Container{g.container("main")}
	if g.chance(3) {
		p.Spec.Containers = append(p.Spec.Containers, g.container("side"))
	}
	if g.chance(3) {
		p.Spec.InitContainers = []corev1.Container{g.container("init")}
	}
	p.Spec.HostNetwork, p.Spec.HostPID, p.Spec.HostIPC = g.chance(12), g.chance(15), g.chance(15)
	if g.chance(3) {
		p.Spec.SecurityContext = g.podContext()
	}
	for range r.IntN(3) {
		g.volume(p)
	}
	if g.chance(6) {
		p.Spec.RuntimeClassName = ptr(pick(r, "gvisor", "kata", "runc"))
	}
	if g.chance(5) {
		p.Annotations = map[string]string{"team": "shop"}
		if g.chance(2) && (p.Spec.SecurityContext == nil || p.Spec.SecurityContext.SeccompProfile == nil) {
			p.Annotations["seccomp.security.alpha.kubernetes.io/pod"] = pick(r, "runtime/default", "docker/default", "unconfined", "localhost/strict.json")
		}
		c := p.Spec.Containers[0].SecurityContext
		if g.chance(2) && (c == nil || c.SeccompProfile == nil) {
			p.Annotations["container.seccomp.security.alpha.kubernetes.io/main"] = pick(r, "runtime/default", "unconfined")
		}
		if g.chance(2) && (c == nil || c.AppArmorProfile == nil) && (p.Spec.SecurityContext == nil || p.Spec.SecurityContext.AppArmorProfile == nil) {
			p.Annotations["container.apparmor.security.beta.kubernetes.io/main"] = pick(r, "runtime/default", "unconfined", "localhost/own")
		}
	}
	if g.chance(10) {
		p.Spec.HostUsers = ptr(false)
		p.Spec.HostNetwork, p.Spec.HostPID, p.Spec.HostIPC = false, false, false
		p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{ProcMount: ptr(corev1.UnmaskedProcMount)}
	}
	kube.Default(p)
	return p
}

type generator struct{ *rand.Rand }

func (g generator) chance(in int) bool { return g.IntN(in) == 0 }

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (g generator) podContext() *corev1.PodSecurityContext {
	c := &corev1.PodSecurityContext{}
	if g.chance(2) {
		c.RunAsUser = ptr(pick[int64](g.Rand, 0, 1000, 1500, 5000, 9000))
	}
	if g.chance(3) {
		c.RunAsGroup = ptr(pick[int64](g.Rand, 0, 15, 99))
	}
	if g.chance(3) {
		c.RunAsNonRoot = ptr(!g.chance(4))
	}
	if g.chance(3) {
		c.FSGroup = ptr(pick[int64](g.Rand, 0, 1, 50, 70000))
	}
	if g.chance(3) {
		c.SupplementalGroups = []int64{pick[int64](g.Rand, 0, 5, 70000), 7}
	}
	if g.chance(3) {
		c.SeccompProfile = g.seccomp()
	}
	if g.chance(4) {
		c.SELinuxOptions = g.seLinux()
	}
	if g.chance(4) {
		c.AppArmorProfile = g.appArmor()
	}
	if g.chance(3) {
		c.Sysctls = []corev1.Sysctl{{Name: pick(g.Rand, "kernel.shm_rmid_forced", "net.core.rmem_max", "net.core.somaxconn", "kernel.msgmax", "kernel.sem"), Value: "1"}}
	}
	return c
}

func (g generator) seccomp() *corev1.SeccompProfile {
	return pick(g.Rand,
		&corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}, &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		&corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}, &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: ptr("strict.json")})
}

func (g generator) appArmor() *corev1.AppArmorProfile {
	return pick(g.Rand,
		&corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeRuntimeDefault}, &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined},
		&corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeLocalhost, LocalhostProfile: ptr("own")})
}

func (g generator) seLinux() *corev1.SELinuxOptions {
	o := &corev1.SELinuxOptions{User: "system_u", Role: "system_r", Type: "container_t", Level: pick(g.Rand, "s0:c1,c2", "s0:c2,c1", "s0:c3", "s0")}
	if g.chance(6) {
		o.Type = "spc_t"
	}
	return o
}

func (g generator) container(name string) corev1.Container {
	c := corev1.Container{Name: name, Image: "registry.example/shop/" + name + ":1"}
	if g.chance(6) {
		c.Ports = []corev1.ContainerPort{{ContainerPort: 8080, HostPort: pick[int32](g.Rand, 0, 80, 8000, 8100, 8101, 9000)}}
	}
	if g.chance(3) {
		return c
	}
	s := &corev1.SecurityContext{}
	c.SecurityContext = s
	if g.chance(12) {
		s.Privileged = ptr(true)
	} else if g.chance(3) {
		s.AllowPrivilegeEscalation = ptr(g.chance(3))
	}
	if g.chance(3) {
		s.RunAsUser = ptr(pick[int64](g.Rand, 0, 1000, 1500, 5000, 9000))
	}
	if g.chance(5) {
		s.RunAsGroup = ptr(pick[int64](g.Rand, 15, 99))
	}
	if g.chance(4) {
		s.RunAsNonRoot = ptr(!g.chance(5))
	}
	if g.chance(3) {
		s.ReadOnlyRootFilesystem = ptr(!g.chance(4))
	}
	if g.chance(3) {
		s.Capabilities = &corev1.Capabilities{
			Add:  pick(g.Rand, nil, []corev1.Capability{"CHOWN"}, []corev1.Capability{"NET_BIND_SERVICE"}, []corev1.Capability{"SYS_ADMIN"}, []corev1.Capability{"KILL", "CHOWN"}),
			Drop: pick(g.Rand, nil, []corev1.Capability{"ALL"}, []corev1.Capability{"NET_RAW", "MKNOD"}, []corev1.Capability{"NET_BIND_SERVICE"}),
		}
	}
	if g.chance(6) {
		s.SeccompProfile = g.seccomp()
	}
	if g.chance(8) {
		s.SELinuxOptions = g.seLinux()
	}
	if g.chance(6) {
		s.AppArmorProfile = g.appArmor()
	}
	return c
}

// volume adds one of any type, and mounts it.
func (g generator) volume(p *corev1.Pod) {
	name := "v" + string(rune('a'+len(p.Spec.Volumes)))
	source := pick(g.Rand,
		corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}, corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}},
		corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}},
		corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: pick(g.Rand, "/var/log", "/var/log/pods", "/var/logs", "/var/lib/app/", "/var/lib/app", "/", "/var/lib/application")}},
		corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "p"}},
		corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: "nfs", Path: "/"}},
		corev1.VolumeSource{CephFS: &corev1.CephFSVolumeSource{Monitors: []string{"m"}}},
		corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: pick(g.Rand, "csi.example", "csi.other")}},
		corev1.VolumeSource{FlexVolume: &corev1.FlexVolumeSource{Driver: pick(g.Rand, "example/lvm", "example/other")}},
		corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "registry.example/data:1"}},
		corev1.VolumeSource{Projected: g.projected()},
	)
	p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: source})
	c := &p.Spec.Containers[g.IntN(len(p.Spec.Containers))]
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name, ReadOnly: g.chance(2)})
}

func (g generator) projected() *corev1.ProjectedVolumeSource {
	token := &corev1.ServiceAccountTokenProjection{Path: pick(g.Rand, "token", "token", "other"), Audience: pick(g.Rand, "", "", "vault"), ExpirationSeconds: ptr[int64](3607)}
	item := corev1.DownwardAPIVolumeFile{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: pick(g.Rand, "metadata.namespace", "metadata.name")}}
	return &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: token},
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: pick(g.Rand, "kube-root-ca.crt", "kube-root-ca.crt", "own")}}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{item}}},
	}}
}
