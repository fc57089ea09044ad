package pod

import (
	"fmt"
	"strings"
)

// What the standard's checks ask for, said in CEL, stands here as lists: those of the library are not exported.

// harmlessCapabilities are the capabilities that the baseline lets a container have.
var harmlessCapabilities = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}

// safeSysctls are those that the baseline lets a pod set.
var safeSysctls = []string{
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes",
	"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem", "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat",
}

// nativeLinux leaves out pods that say they are Windows', as the standard does.
const nativeLinux = `spec.?os.?name.orValue("") != "windows" && `

// nativeHosts finds a host in any probe or hook.
func nativeHosts() string {
	var parts []string
	for _, of := range []string{"livenessProbe", "readinessProbe", "startupProbe", "lifecycle.?postStart", "lifecycle.?preStop"} {
		for _, how := range []string{"httpGet", "tcpSocket"} {
			parts = append(parts, fmt.Sprintf(`c.?%s.?%s.?host.orValue("") != ""`, of, how))
		}
	}
	return strings.Join(parts, " || ")
}

const appArmorKey = `"container.apparmor.security.beta.kubernetes.io/"`

func nativeAppArmor() []Native {
	field := func(of string) string {
		return fmt.Sprintf(`has(%[1]s.securityContext) && has(%[1]s.securityContext.appArmorProfile) && !(%[1]s.securityContext.appArmorProfile.?type.orValue("") in ["RuntimeDefault", "Localhost"])`, of)
	}
	bad := func(value string) string {
		return fmt.Sprintf(`!(%[1]s in ["", "runtime/default"]) && !%[1]s.startsWith("localhost/")`, value)
	}
	return []Native{{
		Each: field("c") + ` || meta.?annotations.orValue({}).exists(k, k == ` + appArmorKey + ` + c.name && ` + bad("meta.annotations[k]") + `)`,
		Pod: field("spec") + ` || meta.?annotations.orValue({}).exists(k, k.startsWith(` + appArmorKey + `) && ` + bad("meta.annotations[k]") +
			` && !everyone.exists(c, k == ` + appArmorKey + ` + c.name))`,
	}}
}

func nativeSELinux(of string) string {
	return fmt.Sprintf(`!(%[1]s.?securityContext.?seLinuxOptions.?type.orValue("") in ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"]) || `+
		`%[1]s.?securityContext.?seLinuxOptions.?user.orValue("") != "" || %[1]s.?securityContext.?seLinuxOptions.?role.orValue("") != ""`, of)
}

// nativeVolumes finds a volume of another sort than those that restricted allows, and than hostPath, which the baseline
// forbids. One that says nothing is an emptyDir.
func nativeVolumes() string {
	has := func(kinds string) string {
		var parts []string
		for kind := range strings.FieldsSeq(kinds) {
			parts = append(parts, "has(v."+kind+")")
		}
		return "(" + strings.Join(parts, " || ") + ")"
	}
	return `volumes.exists(v, !` + has("hostPath configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret") + ` && ` +
		has("gcePersistentDisk awsElasticBlockStore gitRepo nfs iscsi glusterfs rbd flexVolume cinder cephfs flocker fc azureFile vsphereVolume quobyte azureDisk photonPersistentDisk portworxVolume scaleIO storageos") + `)`
}
