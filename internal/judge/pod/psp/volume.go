package psp

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// VolumeTypes are those that policies knew.
func VolumeTypes() (names []string) {
	for _, k := range volumeTypes {
		names = append(names, k.name)
	}
	return names
}

// checkVolume wants a word for a type of volumes to be one that API servers took.
func checkVolume(word string) error {
	names := VolumeTypes()
	if word == "*" || slices.Contains(names, word) {
		return nil
	}
	if i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, word) }); i >= 0 {
		return fmt.Errorf("%q is no type of volume: did you mean %q?", word, names[i])
	}
	return fmt.Errorf("%q is no type of volume: use * or some of %s", word, strings.Join(names, ", "))
}

// VolumeField is the field of a volume by which it is of a type.
func VolumeField(name string) string {
	if name == "cephFS" {
		return "cephfs" // the only one that is spelt otherwise
	}
	return name
}

// VolumeType is the type of a volume; empty where Kubernetes 1.24 had none of the kind.
func VolumeType(v *corev1.Volume) string {
	for _, k := range volumeTypes {
		if k.is(&v.VolumeSource) {
			return k.name
		}
	}
	return ""
}

var volumeTypes = []struct {
	name string
	is   func(v *corev1.VolumeSource) bool
}{
	{"hostPath", func(v *corev1.VolumeSource) bool { return v.HostPath != nil }},
	{"emptyDir", func(v *corev1.VolumeSource) bool { return v.EmptyDir != nil }},
	{"gcePersistentDisk", func(v *corev1.VolumeSource) bool { return v.GCEPersistentDisk != nil }},
	{"awsElasticBlockStore", func(v *corev1.VolumeSource) bool { return v.AWSElasticBlockStore != nil }},
	{"gitRepo", func(v *corev1.VolumeSource) bool { return v.GitRepo != nil }},
	{"secret", func(v *corev1.VolumeSource) bool { return v.Secret != nil }},
	{"nfs", func(v *corev1.VolumeSource) bool { return v.NFS != nil }},
	{"iscsi", func(v *corev1.VolumeSource) bool { return v.ISCSI != nil }},
	{"glusterfs", func(v *corev1.VolumeSource) bool { return v.Glusterfs != nil }},
	{"persistentVolumeClaim", func(v *corev1.VolumeSource) bool { return v.PersistentVolumeClaim != nil }},
	{"rbd", func(v *corev1.VolumeSource) bool { return v.RBD != nil }},
	{"flexVolume", func(v *corev1.VolumeSource) bool { return v.FlexVolume != nil }},
	{"cinder", func(v *corev1.VolumeSource) bool { return v.Cinder != nil }},
	{"cephFS", func(v *corev1.VolumeSource) bool { return v.CephFS != nil }},
	{"flocker", func(v *corev1.VolumeSource) bool { return v.Flocker != nil }},
	{"downwardAPI", func(v *corev1.VolumeSource) bool { return v.DownwardAPI != nil }},
	{"fc", func(v *corev1.VolumeSource) bool { return v.FC != nil }},
	{"azureFile", func(v *corev1.VolumeSource) bool { return v.AzureFile != nil }},
	{"configMap", func(v *corev1.VolumeSource) bool { return v.ConfigMap != nil }},
	{"vsphereVolume", func(v *corev1.VolumeSource) bool { return v.VsphereVolume != nil }},
	{"quobyte", func(v *corev1.VolumeSource) bool { return v.Quobyte != nil }},
	{"azureDisk", func(v *corev1.VolumeSource) bool { return v.AzureDisk != nil }},
	{"photonPersistentDisk", func(v *corev1.VolumeSource) bool { return v.PhotonPersistentDisk != nil }},
	{"projected", func(v *corev1.VolumeSource) bool { return v.Projected != nil }},
	{"portworxVolume", func(v *corev1.VolumeSource) bool { return v.PortworxVolume != nil }},
	{"scaleIO", func(v *corev1.VolumeSource) bool { return v.ScaleIO != nil }},
	{"storageos", func(v *corev1.VolumeSource) bool { return v.StorageOS != nil }},
	{"csi", func(v *corev1.VolumeSource) bool { return v.CSI != nil }},
	{"ephemeral", func(v *corev1.VolumeSource) bool { return v.Ephemeral != nil }},
}
