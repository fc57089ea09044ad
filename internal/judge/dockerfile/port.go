package dockerfile

import (
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/check"
	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// port is what an EXPOSE says, in its parts.
type port struct {
	text     string // variables replaced
	host     string // an address and a port of the host, which have no place here
	from, to string
	protocol string // as written
}

// ports visits what EXPOSE lines say, as far as it is known.
func ports(f *dockerfile.File, visit func(in *dockerfile.Instruction, p port)) {
	named(f, "EXPOSE", func(in *dockerfile.Instruction) {
		for _, a := range in.Args {
			text, known := in.Expand(a)
			if !known {
				continue
			}
			for one := range strings.FieldsSeq(text) { // a variable may hold several
				p := port{text: one}
				p.from, p.protocol, _ = strings.Cut(one, "/")
				if at := strings.LastIndex(p.from, ":"); at >= 0 {
					p.host, p.from = p.from[:at], p.from[at+1:]
				}
				p.from, p.to, _ = strings.Cut(p.from, "-")
				visit(in, p)
			}
		}
	})
}

var invalidPort = Check{
	Card: check.Card{
		ID: "dockerfile/invalid-port", Title: "EXPOSE names a port that does not exist", Severity: finding.Medium,
		Aliases: []string{"hadolint/DL3011", "trivy/DS-0008"},
		Page: check.Page{
			Why:  "The builder refuses it: ports go from 0 to 65535.",
			Fix:  "Name the port that the program listens on.",
			Bad:  "FROM debian:12\nEXPOSE 80000\n",
			Good: "FROM debian:12\nEXPOSE 8080/tcp\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		ports(f, func(in *dockerfile.Instruction, p port) {
			for _, number := range []string{p.from, p.to} {
				if n, err := strconv.Atoi(number); number != "" && (err != nil || n < 0 || n > 65535) {
					hits = append(hits, hit(in, "EXPOSE "+p.text, p.text))
					return
				}
			}
		})
		return hits
	},
}

var portCasing = Check{
	Card: check.Card{
		ID: "dockerfile/port-casing", Title: "the protocol of a port is not in lower case", Severity: finding.Info,
		Aliases: []string{"buildkit/ExposeProtoCasing"},
		Page: check.Page{
			Why:  "The builder writes it in lower case itself; other readers may not know it in capitals.",
			Fix:  "Write tcp, udp or sctp.",
			Bad:  "FROM debian:12\nEXPOSE 53/UDP\n",
			Good: "FROM debian:12\nEXPOSE 53/udp\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		ports(f, func(in *dockerfile.Instruction, p port) {
			if lower := strings.ToLower(p.protocol); lower != p.protocol {
				hits = append(hits, mended(hit(in, "EXPOSE "+p.text, p.text), "Write "+strings.TrimSuffix(p.text, p.protocol)+lower+"."))
			}
		})
		return hits
	},
}

var portFormat = Check{
	Card: check.Card{
		ID: "dockerfile/port-format", Title: "EXPOSE maps a port of the host", Severity: finding.Low,
		Aliases: []string{"buildkit/ExposeInvalidFormat"},
		Page: check.Page{
			Why:  "An image has no say in ports of the host; the builder drops the address now and will refuse it one day.",
			Fix:  "Name the container's port alone, and map it where the container is run: `docker run -p 8080:80`.",
			Bad:  "FROM debian:12\nEXPOSE 127.0.0.1:8080:80\n",
			Good: "FROM debian:12\nEXPOSE 80\n",
		},
	},
	Look: func(f *dockerfile.File) (hits []check.Hit) {
		ports(f, func(in *dockerfile.Instruction, p port) {
			if p.host != "" {
				hits = append(hits, mended(hit(in, "EXPOSE "+p.text, p.text), "Write EXPOSE "+strings.TrimPrefix(p.text, p.host+":")+"."))
			}
		})
		return hits
	},
}
