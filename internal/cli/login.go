package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	face "github.com/plimsoll/plimsoll/internal/face/directory"
)

type loginOptions struct {
	server   string
	ca       string
	user     string
	password string
	audience string
	logout   bool
	stanza   bool
}

func newLogin(g *global) *cobra.Command {
	var o loginOptions
	cmd := &cobra.Command{
		Use: "login [flags]", Short: "Sign in to a cluster with a name and a password of the directory, for kubectl", Args: words(0, 0),
		Long: "Login is a credential plugin of kubectl and of all that uses client-go: it asks for a password on the terminal, has the\n" +
			"server of plimsoll directory serve give it a token for minutes, and writes that to stdout as an ExecCredential\n" +
			"(client.authentication.k8s.io/v1). The token is kept in the user's cache folder, for this user alone, and asked for\n" +
			"again shortly before it ends. --print-kubeconfig writes what belongs into a kubeconfig.\n\n" +
			"The server is never taken from plimsoll.yaml, which may come with somebody else's sources: a password goes there.\n\n" +
			"Exit status: 0, 1 the server says no, 2 the call is wrong, 3 the server does not answer.",
		Example: "  plimsoll login --server https://people.example:8444 --ca people-ca.pem --print-kubeconfig\n" +
			"  plimsoll login --server https://people.example:8444 --user alice\n" +
			"  plimsoll login --server https://people.example:8444 --logout",
		RunE: func(cmd *cobra.Command, _ []string) error { return runLogin(cmd.Context(), g, &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.server, "server", "", "`URL` of the server, https://HOST:PORT")
	f.StringVar(&o.ca, "ca", "", "PEM `FILE` of the authorities that signed its certificate (default: the system's)")
	f.StringVar(&o.user, "user", "", "`NAME` to sign in with (default: it is asked for)")
	f.StringVar(&o.password, "password-file", "", "`FILE` whose first line is the password; - is the standard input (default: it is asked for)")
	f.StringVar(&o.audience, "audience", "", "`AUDIENCE` of the token, where the server serves several clusters (default: its first)")
	f.BoolVar(&o.logout, "logout", false, "have the token that is kept not hold any more, and forget it")
	f.BoolVar(&o.stanza, "print-kubeconfig", false, "write the user of a kubeconfig that has kubectl call this, and do nothing else")
	return cmd
}

func (o *loginOptions) validate(g *global) error {
	for _, flag := range []string{"--server", "--ca", "--user", "--password-file", "--audience"} {
		if place := g.from[flag]; place != "" && !strings.HasPrefix(place, "PLIMSOLL_") {
			return usage("%s is not taken from a file of settings, for a password depends on it: give it in the call, or as a variable", flag)
		}
	}
	switch {
	case o.server == "":
		return usage("--server: say where to sign in, as in https://people.example:8444")
	case o.logout && o.stanza:
		return usage("--logout and --print-kubeconfig: give one of them")
	}
	if err := face.CheckURL(o.server); err != nil {
		return usage("--server: %w", err)
	}
	return nil
}

func runLogin(ctx context.Context, g *global, o *loginOptions) error {
	if err := o.validate(g); err != nil {
		return err
	}
	if o.stanza {
		return o.kubeconfig(g)
	}
	roots, err := pool("--ca", o.ca)
	if err != nil {
		return err
	}
	c := &face.Client{URL: o.server, Roots: roots}
	ticket := ticketOf(g, o)
	kept, there := ticket.read(g.env.Now())
	if o.logout {
		return logout(ctx, g, c, ticket, kept)
	}
	if there && (o.user == "" || o.user == kept.As) {
		return credential(g.env.Stdout, kept.Answer)
	}
	q := face.Question{User: o.user, Audience: o.audience}
	if err := o.ask(g, &q, kept.As); err != nil {
		return err
	}
	a, err := c.Login(ctx, q)
	switch {
	case errors.Is(err, face.ErrDenied):
		return exitError{exitDeny, fmt.Errorf("sign in at %s: %w", o.server, err)}
	case err != nil:
		return fmt.Errorf("sign in at %s: %w", o.server, err)
	}
	if err := ticket.write(held{a, q.User}); err != nil {
		g.say("plimsoll: the token is not kept: %v", err)
	}
	return credential(g.env.Stdout, a)
}

// ask asks for what the call does not say. Kubectl says whether it may.
func (o *loginOptions) ask(g *global, q *face.Question, last string) error {
	in, _ := g.env.Stdin.(*os.File)
	terminal := in != nil && term.IsTerminal(int(in.Fd())) && interactive(g.env.Getenv("KUBERNETES_EXEC_INFO"))
	if q.User == "" {
		if !terminal {
			return usage("--user: who signs in cannot be asked for, since there is no terminal")
		}
		fmt.Fprintf(g.env.Stderr, "Name at %s", o.server)
		if last != "" {
			fmt.Fprintf(g.env.Stderr, " [%s]", printable(last))
		}
		fmt.Fprint(g.env.Stderr, ": ")
		line, err := readLine(in)
		if err != nil {
			return fmt.Errorf("ask for the name: %w", err)
		}
		if q.User = cmp.Or(strings.TrimSpace(line), last); q.User == "" {
			return usage("--user: no name was given")
		}
	}
	if o.password != "" {
		return o.readPassword(g, q)
	}
	if !terminal {
		return usage("--password-file: the password cannot be asked for, since there is no terminal; sign in first with plimsoll login --server %s --user %s", o.server, q.User)
	}
	fmt.Fprintf(g.env.Stderr, "Password of %s: ", printable(q.User))
	b, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(g.env.Stderr)
	if q.Password = string(b); err == nil && q.Password == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return fmt.Errorf("ask for the password: %w", err)
	}
	return nil
}

func (o *loginOptions) readPassword(g *global, q *face.Question) error {
	const most = 4 << 10
	var text []byte
	var err error
	if o.password == "-" {
		text, err = io.ReadAll(io.LimitReader(g.env.Stdin, most))
	} else {
		text, err = readFile(o.password, most)
	}
	if err != nil {
		return usage("--password-file: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	if q.Password = strings.TrimSuffix(first, "\r"); q.Password == "" {
		return usage("--password-file %s: its first line is empty", o.password)
	}
	return nil
}

// readLine reads no more than a line: what comes after it is the password.
func readLine(in io.Reader) (string, error) {
	line, err := bufio.NewReaderSize(io.LimitReader(in, 1<<10), 16).ReadString('\n')
	if err != nil && line == "" {
		return "", err
	}
	return line, nil
}

// interactive is what client-go says about the terminal; who is not called by it may ask.
func interactive(info string) bool {
	if info == "" {
		return true
	}
	var said struct {
		Spec struct{ Interactive bool }
	}
	return json.Unmarshal([]byte(info), &said) == nil && said.Spec.Interactive
}

func logout(ctx context.Context, g *global, c *face.Client, t ticket, kept held) error {
	if kept.Token == "" {
		g.say("plimsoll: nobody is signed in at %s", c.URL)
		return nil
	}
	if err := c.Logout(ctx, kept.Token); err != nil && !errors.Is(err, face.ErrDenied) {
		return fmt.Errorf("sign out at %s: %w: the token holds until %s", c.URL, err, kept.Expires.Format(time.TimeOnly))
	}
	if err := t.forget(); err != nil {
		return err
	}
	g.say("plimsoll: %s is signed out at %s", kept.User, c.URL)
	return nil
}

// credential writes what client-go reads (client.authentication.k8s.io/v1).
func credential(w io.Writer, a face.Answer) error {
	return json.NewEncoder(w).Encode(map[string]any{
		"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
		"status": map[string]string{"expirationTimestamp": a.Expires.UTC().Format(time.RFC3339), "token": a.Token},
	})
}

// kubeconfig writes the user of a kubeconfig. JSON is YAML.
func (o *loginOptions) kubeconfig(g *global) error {
	args := []string{"login", "--server", o.server}
	if o.ca != "" {
		at, err := filepath.Abs(o.ca)
		if err != nil {
			return err
		}
		args = append(args, "--ca", at)
	}
	for _, one := range [][2]string{{"--user", o.user}, {"--audience", o.audience}} {
		if one[1] != "" {
			args = append(args, one[0], one[1])
		}
	}
	quoted, err := json.Marshal(args)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(g.env.Stdout, `users:
- name: directory
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: plimsoll
      args: %s
      interactiveMode: IfAvailable
      installHint: plimsoll signs you in with your name and password of the directory
`, quoted)
	return err
}
