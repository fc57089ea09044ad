package pod

import (
	"fmt"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
)

func sharedProcesses() Check {
	return Check{
		Card: card("shared-processes", "the containers of a pod see each other's processes", finding.Low,
			"nsa-1.2/pod-security-enforcement", check.Page{
				Why:  "Each container reads the others' command lines and environments with their secrets, and, as the same user, their memory and files under /proc/PID/root.",
				Fix:  "Drop shareProcessNamespace; for a look into a running pod, kubectl debug --target does the same for a while.",
				Bad:  inPod("shareProcessNamespace: true\ncontainers:\n- name: cart\n- name: proxy"),
				Good: inPod("containers:\n- name: cart\n- name: proxy"),
			}),
		native: ofPod(`spec.?shareProcessNamespace.orValue(false)`),
		look: func(f *Facts) []hit {
			if s := f.Spec.ShareProcessNamespace; s == nil || !*s {
				return nil
			}
			return []hit{{field: "spec.shareProcessNamespace"}}
		},
	}
}

func ephemeralContainer() Check {
	return Check{
		Card: card("ephemeral-container", "somebody put a container into the running pod", finding.Info,
			"attack/T1609", check.Page{
				Why:  "What is added to debug stays until the pod ends, and nothing of it stands in the manifest: its image, its rights and who works in it.",
				Fix:  "Replace the pod once the work is done: kubectl delete pod NAME, where something makes a new one.",
				Bad:  inPod("containers:\n- name: cart\nephemeralContainers:\n- name: debugger\n  image: docker.io/library/busybox:1.37"),
				Good: inPod("containers:\n- name: cart"),
			}),
		native: graded(each(`c.name in ephemeral && !`+nativeMore()), ofGrade(finding.Medium, each(`c.name in ephemeral && `+nativeMore()))),
		look: func(f *Facts) (hits []hit) {
			for _, c := range f.containers() {
				if c.sort != ephemeral {
					continue
				}
				h := hit{container: c.Name, field: c.field, detail: c.Image}
				if more := f.more(c); len(more) > 0 {
					h.severity, h.detail = finding.Medium, strings.TrimPrefix(h.detail+", with more rights than the pod's own: "+strings.Join(more, ", "), ", ")
				}
				hits = append(hits, h)
			}
			return hits
		},
	}
}

// more are the rights that a container has and no container of the pod's template.
func (f *Facts) more(c container) (rights []string) {
	have := map[string]bool{}
	for _, other := range f.containers() {
		if other.sort != ephemeral {
			for _, r := range f.rights(other) {
				have[r] = true
			}
		}
	}
	for _, r := range f.rights(c) {
		if !have[r] {
			rights = append(rights, r)
		}
	}
	return rights
}

// rights are those that a container is given beyond an ordinary one.
func (f *Facts) rights(c container) (all []string) {
	if user, _ := f.user(c); user != nil && *user == 0 {
		all = append(all, "root")
	}
	if c.SecurityContext == nil {
		return all
	}
	if p := c.SecurityContext.Privileged; p != nil && *p {
		all = append(all, "privileged")
	}
	if add := c.SecurityContext.Capabilities; add != nil {
		for _, name := range add.Add {
			all = append(all, bare(name))
		}
	}
	return all
}

func terminal() Check {
	return Check{
		Card: card("terminal", "a container waits for somebody at a terminal", finding.Info,
			"attack/T1609", check.Page{
				Why:  "An open standard input is a way in for whoever may attach to the pod, and it is not logged what is typed there; services need none.",
				Fix:  "Drop stdin and tty; kubectl exec and kubectl debug bring their own.",
				Bad:  inContainer("stdin: true\ntty: true"),
				Good: inContainer("image: example.org/cart:1"),
			}),
		native: each(`!(c.name in ephemeral) && (c.?stdin.orValue(false) || c.?tty.orValue(false))`),
		look: func(f *Facts) (hits []hit) {
			for _, c := range f.containers() {
				if c.sort == ephemeral {
					continue // that is what they are for
				}
				switch {
				case c.Stdin:
					hits = append(hits, hit{container: c.Name, field: c.field + ".stdin"})
				case c.TTY:
					hits = append(hits, hit{container: c.Name, field: c.field + ".tty"})
				}
			}
			return hits
		},
	}
}

func hostAliases() Check {
	return Check{
		Card: card("host-aliases", "a pod has names of its own in /etc/hosts", finding.Info,
			"trivy/KSV-0007", check.Page{
				Why:  "They win over DNS: a name that others trust, of the API server or of a registry, leads this pod elsewhere, and no change in DNS shows it.",
				Fix:  "Drop hostAliases, and make a Service with ExternalName, or a record in DNS.",
				Bad:  inPod("hostAliases:\n- ip: 192.0.2.7\n  hostnames: [db.example.org]\ncontainers:\n- name: cart"),
				Good: inPod("containers:\n- name: cart"),
			}),
		native: ofPod(`spec.?hostAliases.orValue([]).size() > 0`),
		look: func(f *Facts) (hits []hit) {
			if len(f.Spec.HostAliases) == 0 {
				return nil
			}
			var names []string
			for _, a := range f.Spec.HostAliases {
				names = append(names, a.Hostnames...)
			}
			return []hit{{field: "spec.hostAliases", detail: strings.Join(names, ", ")}}
		},
	}
}

// administrators are Windows' accounts with all rights in a container.
var administrators = []string{"containeradministrator", `user manager\containeradministrator`, `nt authority\system`, "system", "localsystem", `builtin\administrators`, "administrator"}

func windowsAdministrator() Check {
	return Check{
		Card: card("windows-administrator", "a container runs as Windows' administrator", finding.Medium,
			"nsa-1.2/non-root-containers cis-k8s-1.12/5.2.7", check.Page{
				Why:  "ContainerAdministrator changes everything in the container, and is the first step of the known ways out of Windows containers.",
				Fix:  "Write runAsUserName: ContainerUser, or a user that the image makes.",
				Bad:  inPod("os:\n  name: windows\nsecurityContext:\n  windowsOptions:\n    runAsUserName: ContainerAdministrator\ncontainers:\n- name: cart"),
				Good: inPod("os:\n  name: windows\nsecurityContext:\n  windowsOptions:\n    runAsUserName: ContainerUser\ncontainers:\n- name: cart"),
			}),
		native: []Native{{
			Each: matches(`c.?securityContext.?windowsOptions.?runAsUserName.orValue("")`, "(?i)^"+oneOf(administrators)+"$"),
			Pod:  matches(`spec.?securityContext.?windowsOptions.?runAsUserName.orValue("")`, "(?i)^"+oneOf(administrators)+"$"),
		}},
		look: func(f *Facts) (hits []hit) {
			look := func(container, field string, user *string) {
				if user == nil {
					return
				}
				for _, a := range administrators {
					if strings.EqualFold(*user, a) {
						hits = append(hits, hit{container: container, field: field + ".securityContext.windowsOptions.runAsUserName", detail: *user})
					}
				}
			}
			if s := f.Spec.SecurityContext; s != nil && s.WindowsOptions != nil {
				look("", "spec", s.WindowsOptions.RunAsUserName)
			}
			for _, c := range f.containers() {
				if s := c.SecurityContext; s != nil && s.WindowsOptions != nil {
					look(c.Name, c.field, s.WindowsOptions.RunAsUserName)
				}
			}
			return hits
		},
	}
}

func sshPort() Check {
	return Check{
		Card: card("ssh-port", "a container has an SSH server's port", finding.Low,
			"kube-linter/ssh-port kubescape/C-0042 attack/T1021.004", check.Page{
				Why:  "A way in with accounts and keys of its own, past the API server's rights and its audit log.",
				Fix:  "Take the server and port 22 out: kubectl exec asks the API server, which knows who came.",
				Bad:  inContainer("ports:\n- containerPort: 22"),
				Good: inContainer("ports:\n- containerPort: 8080"),
			}),
		native: each(`c.?ports.orValue([]).exists(p, p.containerPort == 22 && p.?protocol.orValue("") in ["", "TCP"])`),
		look: func(f *Facts) (hits []hit) {
			for _, c := range f.containers() {
				for i, p := range c.Ports {
					if p.ContainerPort == 22 && (p.Protocol == "" || p.Protocol == "TCP") {
						hits = append(hits, hit{container: c.Name, field: fmt.Sprintf("%s.ports[%d].containerPort", c.field, i)})
					}
				}
			}
			return hits
		},
	}
}
