package secret

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"regexp/syntax"
	"strings"
)

// drawn gives bytes that look random and are the same each time: examples are made, so that none stands
// in the source, and open nothing.
type drawn struct {
	seed string
	n    int
	left []byte
}

func (d *drawn) next() byte {
	if len(d.left) == 0 {
		sum := sha256.Sum256(fmt.Appendf(nil, "plimsoll example %s %d", d.seed, d.n))
		d.left, d.n = sum[:], d.n+1
	}
	b := d.left[0]
	d.left = d.left[1:]
	return b
}

func (d *drawn) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = d.next()
	}
	return b
}

func letters(seed string, n int) string {
	d := &drawn{seed: seed}
	var b strings.Builder
	for range n {
		b.WriteByte(base62[int(d.next())%62])
	}
	return b.String()
}

func hexes(seed string, n int) string {
	return hex.EncodeToString((&drawn{seed: seed}).bytes((n + 1) / 2))[:n]
}

func encoded(seed string, n int) string {
	return base64.StdEncoding.EncodeToString((&drawn{seed: seed}).bytes(n))
}

// named makes the example of a kind that is known by its name.
func named(name string, n int) func() string {
	return func() string { return name + "=" + letters(name, n) }
}

// suffix puts beside an example what must stand near it.
func suffix(s string) func(string) string { return func(of string) string { return of + s } }

// sampleOf is a text in which a kind of secret stands.
func sampleOf(k *kind) string {
	if k.example != nil {
		return k.example()
	}
	for try := range 50 {
		re, err := syntax.Parse(k.pattern, syntax.Perl)
		if err != nil {
			return ""
		}
		d := &drawn{seed: fmt.Sprintf("%s %d", k.name, try)}
		var b strings.Builder
		d.write(&b, re)
		s := b.String()
		if k.sample != nil {
			s = k.sample(s)
		}
		if !isExample([]byte(s)) || k.class == keys || try == 49 {
			return s
		}
	}
	return ""
}

// write makes a text that a pattern takes.
func (d *drawn) write(b *strings.Builder, re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(d.pick(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte(base62[int(d.next())%62])
	case syntax.OpAlternate:
		d.write(b, re.Sub[0])
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			d.write(b, sub)
		}
	case syntax.OpPlus:
		d.write(b, re.Sub[0])
	case syntax.OpRepeat:
		n := re.Min
		if n > 0 && re.Max > n {
			n = min(re.Max, n+4)
		}
		for range n {
			d.write(b, re.Sub[0])
		}
	}
}

// pick draws one of a class, of what can be read.
func (d *drawn) pick(ranges []rune) rune {
	var all []rune
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := max(ranges[i], ' '); r <= min(ranges[i+1], '~'); r++ {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return '\n'
	}
	return all[int(d.next())%len(all)]
}

func exampleKey(seed string) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed((&drawn{seed: seed}).bytes(ed25519.SeedSize)))
	if err != nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func examplePrivateKey() string { return string(exampleKey("private key")) }

func exampleServiceAccount() string {
	b, _ := json.MarshalIndent(map[string]string{
		"type": "service_account", "project_id": "acme-shop", "private_key_id": hexes("gcp", 40), "private_key": string(exampleKey("gcp")),
		"client_email": "cart@acme-shop.iam.gserviceaccount.com",
	}, "", "  ")
	return string(b)
}

func exampleWireGuard() string {
	key := (&drawn{seed: "wireguard"}).bytes(32)
	return "[Interface]\nPrivateKey = " + base64.StdEncoding.EncodeToString(key) + "\nAddress = 10.0.0.2/32\n"
}

func token(claims map[string]any) string {
	head, _ := json.Marshal(map[string]string{"alg": "HS256", "typ": "JWT"})
	body, _ := json.Marshal(claims)
	enc := base64.RawURLEncoding
	return enc.EncodeToString(head) + "." + enc.EncodeToString(body) + "." + enc.EncodeToString((&drawn{seed: "jwt"}).bytes(32))
}

func exampleWebToken() string {
	return "SESSION=" + token(map[string]any{"iss": "https://login.acme.io", "sub": "cart-service", "aud": "shop"})
}

func exampleKubernetesToken() string {
	return token(map[string]any{"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:shop:cart"})
}

func exampleSupabase() string {
	return "SUPABASE_KEY=" + token(map[string]any{"iss": "supabase", "ref": "kqzwvhtrnxplmbgydcfs", "role": "service_role"})
}

func exampleAWS() string { return "aws_secret_access_key = " + letters("aws secret 5", 40) }

func exampleAWSPair() string {
	return "AWS_ACCESS_KEY_ID=AKIA" + base32("aws id", 16) + "\nAWS_SECRET_ACCESS_KEY=" + letters("aws pair", 40)
}

func base32(seed string, n int) string {
	d := &drawn{seed: seed}
	var b strings.Builder
	for range n {
		b.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[d.next()%32])
	}
	return b.String()
}

func exampleBasic() string {
	return base64.StdEncoding.EncodeToString([]byte("robot:" + letters("basic", 20)))
}

func examplePyPI() string {
	macaroon := append([]byte("\x02\x01\x08pypi.org\x02\x24"), (&drawn{seed: "pypi"}).bytes(100)...)
	return "password = pypi-" + base64.RawURLEncoding.EncodeToString(macaroon)
}

func exampleDockerAuth() string {
	return `{"auths": {"registry.acme.io": {"auth": "` + exampleBasic() + `"}}}`
}

func exampleDiscord() string {
	return "DISCORD_TOKEN=" + base64.RawURLEncoding.EncodeToString([]byte("913847562039485761")) + "." + letters("discord", 6) + "." + letters("discord token", 38)
}

func exampleDatabase() string {
	return "DATABASE_URL=postgres://cart:" + letters("db", 16) + "@db.acme.io:5432/cart"
}

func exampleURL() string {
	return "url = https://robot:" + letters("url", 16) + "@git.acme.io/shop.git"
}

func exampleConnection() string {
	return "Server=db.acme.io;Database=cart;User Id=cart;Password=" + letters("connection", 16) + ";"
}

func exampleNetrc() string { return "machine git.acme.io login robot password " + letters("netrc", 16) }

func examplePgpass() string { return "db.acme.io:5432:cart:cart:" + letters("pgpass", 16) }

func exampleKubeconfig() string {
	return "users:\n- name: admin\n  user:\n    client-key-data: " + base64.StdEncoding.EncodeToString(exampleKey("kubeconfig"))
}

func exampleHtpasswd() string {
	return "robot:$apr1$" + letters("salt", 8) + "$" + letters("htpasswd", 22)
}

func examplePassword() string { return "DB_PASSWORD=" + letters("password", 16) }

func exampleGeneric() string { return "SESSION_SECRET=" + letters("generic", 32) }
