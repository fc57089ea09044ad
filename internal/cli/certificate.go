package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/plimsoll/plimsoll/internal/read/kube/client"
	"github.com/plimsoll/plimsoll/internal/tell/certificate"
)

// certificateOptions say where the certificate that a server shows comes from.
type certificateOptions struct {
	cert, key string
	ca        string // of whoever signed cert; the server that makes it known has the flag
	dir       string
	secret    string
	service   string
	hosts     []string
	check     time.Duration
}

func (o *certificateOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.cert, "tls-cert", "", "`FILE` of the certificate, in PEM; another one in it is taken without a restart")
	f.StringVar(&o.key, "tls-key", "", "`FILE` of its key")
	f.StringVar(&o.dir, "tls-dir", "", "`FOLDER` in which an own authority is kept")
	f.StringVar(&o.secret, "tls-secret", "", "`NAMESPACE/NAME` of the Secret in which an own authority is kept")
	f.StringVar(&o.service, "service", "", "`NAMESPACE/NAME` of the service by which the API server finds this server: names for the own certificate")
	f.Var(repeated(&o.hosts), "host", "further `NAME` for the own certificate; may be repeated")
	f.DurationVar(&o.check, "tls-check", 30*time.Second, "`TIME` between looks for another certificate")
}

func (o *certificateOptions) validate() error {
	ways := 0
	for _, way := range []string{o.cert + o.key, o.dir, o.secret} {
		if way != "" {
			ways++
		}
	}
	switch {
	case ways != 1:
		return usage("--tls-cert with --tls-key, --tls-dir or --tls-secret: give one of them, for the API server speaks TLS alone")
	case (o.cert == "") != (o.key == ""):
		return usage("--tls-cert and --tls-key go together")
	case o.cert == "" && o.service == "" && len(o.hosts) == 0:
		return usage("--service or --host: say by which name the API server finds this server, for the own certificate")
	case o.check <= 0:
		return usage("--tls-check is above 0")
	}
	return nil
}

// names are those by which the API server knows the server: a service's are NAME.NAMESPACE.svc and what clients make of it.
func (o *certificateOptions) names() ([]string, error) {
	var all []string
	if o.service != "" {
		namespace, name, err := namespaced("--service", o.service)
		if err != nil {
			return nil, err
		}
		host := name + "." + namespace
		all = append(all, host+".svc", host+".svc.cluster.local", host)
	}
	return append(all, o.hosts...), nil
}

// source is where the certificate comes from.
func (o *certificateOptions) source(c client.Interface) (certificate.Source, error) {
	if o.cert != "" {
		return &certificate.Files{Chain: o.cert, Key: o.key, Roots: o.ca}, nil
	}
	names, err := o.names()
	if err != nil {
		return nil, err
	}
	if o.dir != "" {
		return &certificate.Own{Store: certificate.Folder(o.dir), Names: names}, nil
	}
	namespace, name, err := namespaced("--tls-secret", o.secret)
	return &certificate.Own{Store: &certificate.Secret{Client: c, Namespace: namespace, Name: name}, Names: names}, err
}

// open gets the certificate.
func (o *certificateOptions) open(ctx context.Context, c client.Interface, now time.Time) (*certificate.Keeper, error) {
	source, err := o.source(c)
	if err != nil {
		return nil, err
	}
	k, err := certificate.Open(ctx, source, now)
	switch {
	case err == nil:
		return k, nil
	case o.secret != "":
		return nil, fmt.Errorf("get a certificate: %w", err)
	case o.dir != "": // what stands in files is of the call
		return nil, usage("--tls-dir: get a certificate: %w", err)
	}
	return nil, usage("--tls-cert: get a certificate: %w", err)
}
