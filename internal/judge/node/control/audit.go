package control

import (
	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/judge/node"
)

const policy = "--audit-log-path=/var/log/audit.log --audit-policy-file=/etc/kubernetes/audit.yaml\n# /etc/kubernetes/audit.yaml\napiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n"

func audit() []node.Check {
	const full = "--audit-log-path=/var/log/audit.log --audit-log-maxage=30 --audit-log-maxbackup=10 --audit-log-maxsize=100"
	return []node.Check{
		of(server, "audit-log", "nobody writes down who asked what of the API server", finding.Medium, "cis-k8s-1.12/1.2.16 nsa-1.2/audit-logging kubescape/C-0067", check.Page{
			Why: "After a break-in nothing tells what was read, made or changed.", Fix: "Set --audit-log-path, or a webhook that stores events elsewhere, and --audit-policy-file.", Bad: "--profiling=false", Good: full,
		}, func(l *node.Look) {
			if l.Value("audit-webhook-config-file").Text == "" {
				node.Set("audit-log-path")(l)
			}
		}),
		of(server, "audit-log-age", "the audit log is not kept for 30 days", finding.Low, "cis-k8s-1.12/1.2.17 nsa-1.2/audit-logging", check.Page{
			Why: "Break-ins are seen after weeks.", Fix: "Set --audit-log-maxage=30, or more.", Bad: "--audit-log-path=/var/log/audit.log --audit-log-maxage=7", Good: full,
		}, kept("audit-log-maxage", 30)),
		of(server, "audit-log-backups", "fewer than 10 files of the audit log are kept", finding.Low, "cis-k8s-1.12/1.2.18 nsa-1.2/audit-logging", check.Page{
			Why: "Who wants to hide what he did asks so much that the file with it is deleted.", Fix: "Set --audit-log-maxbackup=10, or more.", Bad: "--audit-log-path=/var/log/audit.log --audit-log-maxbackup=2", Good: full,
		}, kept("audit-log-maxbackup", 10)),
		of(server, "audit-log-size", "files of the audit log are not let grow to 100 MB", finding.Low, "cis-k8s-1.12/1.2.19 nsa-1.2/audit-logging", check.Page{
			Why: "With small files the number that is kept holds some hours.", Fix: "Set --audit-log-maxsize=100, or more.", Bad: "--audit-log-path=/var/log/audit.log --audit-log-maxsize=1", Good: full,
		}, kept("audit-log-maxsize", 100)),
		of(server, "audit-policy", "no policy says what the audit log holds", finding.Medium, "cis-k8s-1.12/3.2.1 nsa-1.2/audit-logging", check.Page{
			Why: "Without --audit-policy-file nothing is logged, wherever it would go.", Fix: "Write a policy and name it.", Bad: "--audit-log-path=/var/log/audit.log", Good: policy + "- level: Metadata",
		}, node.Set("audit-policy-file")),
		of(server, "audit-policy-gaps", "the audit policy leaves out what matters most", finding.Medium, "cis-k8s-1.12/3.2.2 nsa-1.2/audit-logging", check.Page{
			Why: "Who reads secrets, changes rights, makes tokens, or goes into pods by exec, attach, port-forward or proxy is what one looks for afterwards.", Fix: "Log these at level Metadata at least, before any rule of level None that meets them, be it for a group or a namespace alone.",
			Bad: policy + "- level: None\n  resources: [{group: '', resources: [secrets]}]\n- level: Metadata", Good: policy + "- level: None\n  users: ['system:kube-proxy']\n  verbs: [watch]\n  resources: [{group: '', resources: [endpoints]}]\n- level: Metadata",
		}, auditGaps),
		of(server, "audit-policy-leaks", "the audit log holds secrets", finding.Medium, "nsa-1.2/audit-logging", check.Page{
			Why: "At level Request or RequestResponse the log has what secrets hold, tokens that were made, and what TokenReviews asked, and many may read a log.", Fix: "Log secrets, configmaps, tokenreviews and serviceaccounts/token at level Metadata, by a rule for everybody before the others.",
			Bad: policy + "- level: RequestResponse", Good: policy + "- level: Metadata\n  resources:\n  - {group: '', resources: [secrets, configmaps, serviceaccounts/token]}\n  - {group: authentication.k8s.io, resources: [tokenreviews]}\n- level: RequestResponse",
		}, auditLeaks),
	}
}

// kept wants a number of the log in files; what goes to a webhook alone is kept there.
func kept(name string, least int) func(*node.Look) {
	return func(l *node.Look) {
		if l.Value("audit-log-path").Text == "" && l.Value("audit-webhook-config-file").Text != "" {
			l.Skip()
			return
		}
		node.Least(name, least)(l)
	}
}
