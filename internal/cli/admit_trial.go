package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/plimsoll/plimsoll/internal/deck/admit"
	"github.com/plimsoll/plimsoll/internal/read/kube"
)

type trialOptions struct {
	line      lineOptions
	namespace string
	user      string
	groups    []string
	asJSON    bool
}

func newAdmitTest(g *global) *cobra.Command {
	o := trialOptions{namespace: "default", user: "kubernetes-admin"}
	cmd := &cobra.Command{
		Use: "test [flags] FILE...", Short: "Say what the webhook would answer to manifests", Args: words(1, -1),
		Long: "Test decides on each object of the files as the webhook would when somebody creates it, without a cluster, and\n" +
			"says of each that it is let in, warned of or denied, and why. FILE may be - for the standard input; what kubectl\n" +
			"get -o yaml wrote of a cluster shows what a line would do to what runs.\n\n" +
			"Exit status: 0 all would be let in, 1 one would be denied, 2 the call or a file in it is wrong, 3 a document could\n" +
			"not be read.",
		Example: "  plimsoll admit test --line admission.yaml deployment.yaml\n" +
			"  helm template ./chart | plimsoll admit test --line admission.yaml --namespace shop -\n" +
			"  kubectl get pods -A -o yaml | plimsoll admit test --line admission.yaml --json -",
		RunE: func(cmd *cobra.Command, args []string) error { return runTrial(cmd.Context(), g, &o, args) },
	}
	f := cmd.Flags()
	o.line.flags(f)
	f.StringVar(&o.namespace, "namespace", o.namespace, "`NAMESPACE` of objects that name none")
	f.StringVar(&o.user, "user", o.user, "`USER` who would create them")
	f.StringArrayVar(&o.groups, "group", nil, "`GROUP` of the user; may be repeated")
	f.BoolVar(&o.asJSON, "json", false, "write JSON: the API server's own AdmissionResponse for each object")
	return cmd
}

func runTrial(ctx context.Context, g *global, o *trialOptions, names []string) error {
	l, err := o.line.line(ctx, g)
	if err != nil {
		return err
	}
	denied, broken := false, false
	for _, name := range names {
		b, err := manifest(g, name)
		if err != nil {
			return usage("%w", err)
		}
		objects, problems := kube.Manifest(name, b)
		for _, p := range problems {
			broken = true
			g.say("plimsoll: %v", p)
		}
		for _, object := range objects {
			r, err := o.request(object)
			if err != nil {
				return err
			}
			d := l.Decide(ctx, admit.All, r, g.env.Now())
			denied = denied || !d.Allowed
			if err := o.write(g, object, d); err != nil {
				return err
			}
		}
	}
	switch {
	case denied:
		return exitError{exitDeny, nil}
	case broken:
		return exitError{exitIncomplete, nil}
	}
	return nil
}

// mostManifests is how much of one file is read.
const mostManifests = 64 << 20

func manifest(g *global, name string) ([]byte, error) {
	in := g.env.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, mostManifests+1))
	if err == nil && len(b) > mostManifests {
		err = fmt.Errorf("%s has more than %d bytes: give it in parts", name, mostManifests)
	}
	return b, err
}

// request is what the API server would ask about an object that somebody creates.
func (o *trialOptions) request(of *kube.Object) (*admissionv1.AdmissionRequest, error) {
	b, err := json.Marshal(of.Fields)
	if err != nil {
		return nil, err
	}
	version := of.APIVersion[strings.LastIndexByte(of.APIVersion, '/')+1:]
	namespace := of.Namespace
	if namespace == "" {
		namespace = o.namespace
	}
	return &admissionv1.AdmissionRequest{
		UID: "test", Operation: admissionv1.Create, Namespace: namespace, Name: of.Name,
		Kind: metav1.GroupVersionKind{Group: of.Group(), Version: version, Kind: of.Kind}, Object: runtime.RawExtension{Raw: b},
		UserInfo: authenticationv1.UserInfo{Username: o.user, Groups: append(o.groups, "system:authenticated")},
	}, nil
}

func (o *trialOptions) write(g *global, of *kube.Object, d *admit.Decision) error {
	if o.asJSON {
		return json.NewEncoder(g.env.Stdout).Encode(d.Response("test"))
	}
	said := d.Warnings
	verdict := "let in"
	switch {
	case !d.Allowed:
		verdict, said = "denied", append([]string{d.Message}, said...)
	case len(said) > 0:
		verdict = "warned"
	case d.Passed != "":
		verdict = "let in, not judged: " + d.Passed
	}
	_, err := fmt.Fprintln(g.env.Stdout, printable(fmt.Sprintf("%s %s: %s", of.Kind, of.Name, verdict)))
	for _, s := range said {
		if err == nil {
			_, err = fmt.Fprintln(g.env.Stdout, "  "+printable(s))
		}
	}
	return err
}
