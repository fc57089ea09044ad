package control

import (
	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
)

func managers() []node.Check {
	return []node.Check{
		of(manager, "manager-pod-collection", "pods that ended are kept without a bound", finding.Low, "cis-k8s-1.12/1.3.1", check.Page{
			Why: "Objects of pods that ended fill the store, and everything that lists pods slows down.", Fix: "Set --terminated-pod-gc-threshold to a number above zero.", Bad: "--terminated-pod-gc-threshold=0", Good: "--terminated-pod-gc-threshold=1000",
		}, node.Least("terminated-pod-gc-threshold", 1)),
		of(manager, "manager-profiling", "the controller manager shows its inside to who may ask /debug/pprof", finding.Low, "cis-k8s-1.12/1.3.2", check.Page{
			Why: "A profile costs work and tells what the program does.", Fix: "Set --profiling=false.", Bad: "--profiling=true", Good: "--profiling=false",
		}, node.Must("profiling", "false")),
		of(manager, "manager-credentials", "all controllers use one account", finding.Medium, "cis-k8s-1.12/1.3.3", check.Page{
			Why: "Each controller then has the rights of all, and the audit log does not tell them apart.", Fix: "Set --use-service-account-credentials=true.", Bad: "--use-service-account-credentials=false", Good: "--use-service-account-credentials=true",
		}, node.Must("use-service-account-credentials", "true")),
		of(manager, "manager-service-account-key", "service accounts get no tokens of a key of their own", finding.Medium, "cis-k8s-1.12/1.3.4", check.Page{
			Why: "Without --service-account-private-key-file tokens are not signed here, and can't be changed for others by a new key.", Fix: "Set it to the private part of the API server's --service-account-key-file.", Bad: "--profiling=false", Good: "--service-account-private-key-file=/etc/kubernetes/pki/sa.key",
		}, node.Set("service-account-private-key-file")),
		of(manager, "manager-root-ca", "pods are not told which API server is theirs", finding.Medium, "cis-k8s-1.12/1.3.5", check.Page{
			Why: "Without --root-ca-file a pod can't tell the API server from who stands between them.", Fix: "Set --root-ca-file to the CA of the API server's certificate.", Bad: "--profiling=false", Good: "--root-ca-file=/etc/kubernetes/pki/ca.crt",
		}, node.Set("root-ca-file")),
		of(manager, "manager-kubelet-rotation", "serving certificates of kubelets are not renewed", finding.Low, "cis-k8s-1.12/1.3.6", check.Page{
			Why: "A certificate that ends is made by the kubelet itself, and nobody can know it.", Fix: "Drop RotateKubeletServerCertificate=false from --feature-gates.", Bad: "--feature-gates=RotateKubeletServerCertificate=false", Good: "--feature-gates=RotateKubeletServerCertificate=true",
		}, gateOn("RotateKubeletServerCertificate")),
		of(manager, "manager-address", "the controller manager listens on every address", finding.Low, "cis-k8s-1.12/1.3.7 nsa-1.2/control-plane-hardening", check.Page{
			Why: "Nobody but the host itself asks it for health and metrics.", Fix: "Set --bind-address=127.0.0.1.", Bad: "--bind-address=0.0.0.0", Good: "--bind-address=127.0.0.1",
		}, node.Loopback("bind-address")),
		of(scheduler, "scheduler-profiling", "the scheduler shows its inside to who may ask /debug/pprof", finding.Low, "cis-k8s-1.12/1.4.1", check.Page{
			Why: "A profile costs work and tells what the program does.", Fix: "Set --profiling=false, or enableProfiling: false in its configuration, which alone counts where there is one.", Bad: "--profiling=true", Good: "--config=/etc/kubernetes/scheduler.yaml\n# /etc/kubernetes/scheduler.yaml\nkind: KubeSchedulerConfiguration\nenableProfiling: false",
		}, node.Must("profiling", "false")),
		of(scheduler, "scheduler-address", "the scheduler listens on every address", finding.Low, "cis-k8s-1.12/1.4.2 nsa-1.2/control-plane-hardening", check.Page{
			Why: "Nobody but the host itself asks it for health and metrics.", Fix: "Set --bind-address=127.0.0.1.", Bad: "--bind-address=0.0.0.0", Good: "--bind-address=127.0.0.1",
		}, node.Loopback("bind-address")),
	}
}

// gateOn wants a feature gate that is on by default not to be turned off.
func gateOn(name string) func(*node.Look) {
	return func(l *node.Look) {
		if on, said, v := l.C.Gate(name); v.Unknown != "" {
			l.Doubt(v.Unknown)
		} else if said && !on {
			l.Hit(v, "")
		}
	}
}
