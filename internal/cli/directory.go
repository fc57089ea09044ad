package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	face "github.com/plimsoll/plimsoll/internal/face/directory"
	"github.com/plimsoll/plimsoll/internal/face/directory/token"
	"github.com/plimsoll/plimsoll/internal/read/directory"
	"github.com/plimsoll/plimsoll/internal/read/directory/settings"
	"github.com/plimsoll/plimsoll/internal/read/kube/client"
)

func newDirectory(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "directory", Short: "Let people of LDAP or Active Directory into a cluster, and see who has what",
		Example: "  plimsoll directory serve --tls-dir ./tls --host localhost --keys ./keys directory.yaml\n" +
			"  plimsoll directory revoke --keys ./keys ldap:alice\n" +
			"  plimsoll directory review directory.yaml",
	}
	cmd.AddCommand(newDirectoryServe(g), newDirectoryRevoke(g), newDirectoryReview(g))
	return cmd
}

// keyOptions say where keys and revocations are.
type keyOptions struct {
	folder     string
	secret     string
	kubeconfig string
}

func (o *keyOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.folder, "keys", "", "`FOLDER` of the keys that sign tokens, and of what was revoked; servers that share it know each other's tokens")
	f.StringVar(&o.secret, "keys-secret", "", "`NAMESPACE/NAME` of the Secret that holds them instead; it must be there")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "`FILE` that says how to reach the cluster of Secrets (default: the pod's own account, or KUBECONFIG)")
}

func (o *keyOptions) validate() error {
	if (o.folder == "") == (o.secret == "") {
		return usage("--keys or --keys-secret: say where the keys are that sign tokens")
	}
	if o.secret != "" {
		_, _, err := namespaced("--keys-secret", o.secret)
		return err
	}
	return nil
}

func (o *keyOptions) store(c client.Interface) (token.Store, error) {
	if o.folder != "" {
		return token.Folder(o.folder), nil
	}
	namespace, name, err := namespaced("--keys-secret", o.secret)
	return &token.Secret{Client: c, Namespace: namespace, Name: name}, err
}

type directoryServeOptions struct {
	certificateOptions
	keys      keyOptions
	listen    string
	clientCA  string
	decisions string
	drain     time.Duration
}

func newDirectoryServe(g *global) *cobra.Command {
	o := directoryServeOptions{listen: "localhost:8444", drain: 5 * time.Second, decisions: "-"}
	cmd := &cobra.Command{
		Use: "serve [flags] FILE", Short: "Give people of a directory tokens, and tell the API server whose they are", Args: words(1, 1),
		Long: "Serve lets people sign in (plimsoll login) with their name and password of an LDAP directory or Active Directory,\n" +
			"and is the API server's webhook for tokens. FILE says which directory, who in it may sign in and what they are\n" +
			"called; the guide has all that may stand in it. Tokens live for 10 minutes, or what FILE says, up to 15.\n\n" +
			"Each day has a key, made in the folder or Secret that servers share. The directory is asked again when what is\n" +
			"known of a person is older than FILE's cache (30s): who was locked or removed is out then, and where the directory\n" +
			"cannot be asked, everybody. The API server remembers answers too: set its\n" +
			"--authentication-token-webhook-cache-ttl to 10s.\n\n" +
			"GET /healthz, /readyz and /metrics are served on the same port. Each decision is a line of JSON on stdout, without\n" +
			"passwords and tokens.\n\n" +
			"Exit status: 0 ended when it was told to, 2 the call or a file in it is wrong, 3 it could not serve.",
		Example: "  plimsoll directory serve --tls-dir ./tls --host localhost --keys ./keys directory.yaml\n" +
			"  plimsoll directory serve --listen :8444 --tls-cert tls.crt --tls-key tls.key --client-ca apiserver-ca.pem --keys ./keys directory.yaml\n" +
			"  plimsoll directory serve --listen :8444 --tls-secret people/tls --service people/plimsoll --keys-secret people/keys --client-ca ca.pem directory.yaml",
		RunE: func(cmd *cobra.Command, args []string) error { return runDirectoryServe(cmd.Context(), g, &o, args[0]) },
	}
	f := cmd.Flags()
	o.certificateOptions.flags(f)
	o.keys.flags(f)
	f.StringVar(&o.listen, "listen", o.listen, "`ADDRESS` to serve on; :8444 is all of them")
	f.StringVar(&o.clientCA, "client-ca", "", "PEM `FILE` of the authority of those that may ask whose a token is: the API server; must be given where not only this host is served")
	f.StringVar(&o.decisions, "decisions", o.decisions, "`FILE` that decisions are appended to; - is stdout")
	f.DurationVar(&o.drain, "drain", o.drain, "`TIME` to go on after SIGTERM, until nobody asks any more")
	return cmd
}

func (o *directoryServeOptions) validate() error {
	if err := errors.Join(o.certificateOptions.validate(), o.keys.validate()); err != nil {
		return err
	}
	switch {
	case o.clientCA == "" && !local(o.listen):
		return usage("--client-ca: --listen %s is open to others than this host, and only the API server is to ask whose a token is", o.listen)
	case o.drain < 0:
		return usage("--drain is not below 0")
	case o.decisions == "none":
		return usage("--decisions none: who came in is always written down; give a FILE")
	}
	return nil
}

// local says whether only this host can reach an address.
func local(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

func runDirectoryServe(ctx context.Context, g *global, o *directoryServeOptions, file string) error {
	if err := o.validate(); err != nil {
		return err
	}
	s, err := settings.Read(file, g.env.Now)
	if err != nil {
		return usage("%w", err)
	}
	for _, host := range s.Plaintext() {
		g.say("plimsoll: passwords go to %s in the clear: %s names it under plaintext", host, file)
	}
	d := directory.Open(s.Directory)
	defer d.Close()
	fo := face.Options{
		Directory: d, Audiences: s.Audiences, Cache: s.Cache, Check: o.check, Drain: o.drain, Note: g.logger(), Now: g.env.Now,
	}
	if fo.ClientCA, err = authority(o.clientCA); err != nil {
		return err
	}
	if err := o.secure(ctx, g, s, &fo); err != nil {
		return err
	}
	if err := d.Ping(ctx); err != nil { // it may come yet
		g.say("plimsoll: %v", err)
	}
	out, err := openDecisions(g, o.decisions)
	if err != nil {
		return err
	}
	defer out.Close()
	fo.Log = out
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", o.listen, err)
	}
	g.say("plimsoll: serving on %s", l.Addr())
	g.env.drain()
	return face.New(fo).Serve(ctx, l)
}

// secure gets the certificate and the keys.
func (o *directoryServeOptions) secure(ctx context.Context, g *global, s *settings.Settings, fo *face.Options) error {
	var c client.Interface
	var err error
	if o.secret != "" || o.keys.secret != "" {
		if c, err = client.Open(o.keys.kubeconfig); err != nil {
			return usage("--kubeconfig: %w", err)
		}
	}
	if fo.Certificates, err = o.certificateOptions.open(ctx, c, g.env.Now()); err != nil {
		return err
	}
	store, err := o.keys.store(c)
	if err != nil {
		return err
	}
	if fo.Mint, err = token.Open(ctx, store, s.Lifetime, g.env.Now); err != nil {
		return fmt.Errorf("get the keys that sign tokens: %w", err)
	}
	return nil
}

func newDirectoryRevoke(g *global) *cobra.Command {
	var o keyOptions
	cmd := &cobra.Command{
		Use: "revoke [flags] NAME...", Short: "End all tokens that somebody has, before they end by themselves", Args: words(1, -1),
		Long: "Revoke writes down, where the keys are, that no token holds which somebody of a NAME in the cluster, ldap:alice, say,\n" +
			"was given until now. Servers read it within 10 seconds. It does not keep anybody from signing in again: lock the\n" +
			"account in the directory for that.\n\nExit status: 0, 2 the call is wrong, 3 it could not be written down.",
		Example: "  plimsoll directory revoke --keys ./keys ldap:alice\n  plimsoll directory revoke --keys-secret people/keys ldap:alice ldap:bob",
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			var c client.Interface
			var err error
			if o.secret != "" {
				if c, err = client.Open(o.kubeconfig); err != nil {
					return usage("--kubeconfig: %w", err)
				}
			}
			store, err := o.store(c)
			if err != nil {
				return err
			}
			for _, name := range names {
				if err := token.RevokePerson(cmd.Context(), store, name, g.env.Now()); err != nil {
					return fmt.Errorf("revoke the tokens of %s: %w", name, err)
				}
				g.say("plimsoll: what %s was given until now is revoked", name)
			}
			return nil
		},
	}
	o.flags(cmd.Flags())
	return cmd
}
