package suggest

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/plimsoll/plimsoll/internal/read/kube"
)

// maxSetting is how much of a setting is looked at, in bytes.
const maxSetting = 4096

// setting is a setting of a container, or one of its arguments, and where it stands in words.
type setting struct{ value, by string }

// settings are those of a container that are known: its environment, as the kubelet makes it of what is written and of
// ConfigMaps, and its arguments. Unread are in words the sources that are not.
func settings(s *kube.Snapshot, namespace string, c *corev1.Container) (all []setting, unread []string) {
	values := map[string]string{}
	put := func(name, value, from string) {
		values[name] = value
		all = append(all, setting{value, name + from})
	}
	for _, from := range c.EnvFrom {
		if r := from.SecretRef; r != nil {
			unread = append(unread, "Secret "+r.Name)
		}
		if r := from.ConfigMapRef; r != nil {
			data, known := configMap(s, namespace, r.Name)
			if !known && (r.Optional == nil || !*r.Optional) {
				unread = append(unread, "ConfigMap "+r.Name)
			}
			for _, key := range slices.Sorted(maps.Keys(data)) {
				put(from.Prefix+key, data[key], " (ConfigMap "+r.Name+")")
			}
		}
	}
	for _, env := range c.Env {
		switch from := env.ValueFrom; {
		case from == nil:
			put(env.Name, expand(env.Value, values), "")
		case from.SecretKeyRef != nil:
			unread = append(unread, "Secret "+from.SecretKeyRef.Name)
		case from.ConfigMapKeyRef != nil:
			r := from.ConfigMapKeyRef
			data, known := configMap(s, namespace, r.Name)
			if !known && (r.Optional == nil || !*r.Optional) {
				unread = append(unread, "ConfigMap "+r.Name)
			}
			if value, known := data[r.Key]; known {
				put(env.Name, value, " (ConfigMap "+r.Name+")")
			}
		}
	}
	for _, args := range [][]string{c.Command, c.Args} {
		for _, arg := range args {
			all = append(all, setting{expand(arg, values), "an argument"})
		}
	}
	return all, unread
}

// configMap is what a ConfigMap holds that was read.
func configMap(s *kube.Snapshot, namespace, name string) (data map[string]string, known bool) {
	o := s.Find("", "ConfigMap", namespace, name)
	if o == nil && namespace == "default" {
		o = s.Find("", "ConfigMap", "", name)
	}
	if o == nil {
		return nil, false
	}
	data = map[string]string{}
	of, _ := o.Fields["data"].(map[string]any)
	for key, v := range of {
		if text, ok := v.(string); ok {
			data[key] = text
		}
	}
	return data, true
}

var reference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\$|\$\(([^()$]+)\)`) })

// expand puts in what $(NAME) stands for, as the kubelet does it: $$ is a dollar, and what is not known stays.
func expand(text string, values map[string]string) string {
	return reference().ReplaceAllStringFunc(text, func(ref string) string {
		if ref == "$$" {
			return "$"
		}
		if value, known := values[ref[2:len(ref)-1]]; known {
			return value
		}
		return ref
	})
}

// party is a host that a text names.
type party struct {
	scheme string // empty: none is written
	name   string // or an address
	port   int    // 0: none is written
}

// parties are the hosts that a text names. A bare word counts where it is all there is, or one of a list.
func parties(text string) (all []party) {
	text = text[:min(len(text), maxSetting)]
	text, all = keyed(text)
	prose := strings.ContainsAny(strings.TrimSpace(text), " \t\n")
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(",; \t\n\"'|", r) }) {
		scheme, rest := cut(word)
		m := host().FindStringSubmatch(rest)
		if m == nil || prose && scheme == "" && m[2] == "" {
			continue
		}
		port, _ := strconv.Atoi(m[2])
		all = append(all, party{scheme, strings.Trim(m[1], "[]"), port})
	}
	return all
}

// cut parts a word into a scheme, and the host with its port.
func cut(word string) (scheme, rest string) {
	if m := driver().FindStringSubmatch(word); m != nil {
		return "mysql", m[1]
	}
	scheme, rest, schemed := strings.Cut(word, "://")
	if !schemed {
		rest, _, _ = strings.Cut(word, "?")
		scheme, rest = "", rest[strings.LastIndexByte(rest, '=')+1:]
		if after, is := strings.CutPrefix(rest, "dns:"); is && strings.Trim(after, "0123456789") != "" { // gRPC's short form
			scheme, rest = "dns", after
		}
	}
	scheme = scheme[strings.LastIndexAny(scheme, "=:")+1:] // --url=http://…, jdbc:postgresql://…
	scheme, _, _ = strings.Cut(strings.ToLower(scheme), "+")
	switch scheme {
	case "dns", "ipv4", "ipv6", "passthrough": // of gRPC: SCHEME://AUTHORITY/HOST, in which the authority is a server of names
		if schemed {
			_, rest, _ = strings.Cut(rest, "/")
		}
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	rest, _, _ = strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], "/") // a password may have a slash
	return scheme, rest
}

var (
	// host is a name, which may end in a dot, or an address, and a port.
	host = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^([a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])\.?(?::(\d{1,5}))?$`)
	})
	// driver is the host in a data source's name of Go's driver for MySQL: USER:PASSWORD@tcp(HOST:PORT)/NAME.
	driver = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:^|[@=])tcp[46]?\(([^()]+)\)/`) })
	// hostKey and portKey are host and port where settings are written KEY=VALUE, parted by spaces (libpq) or semicolons
	// (ADO.NET, ODBC).
	hostKey = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)(?:^|[\s;])(?:host|hostaddr|hostname|server|data source|addr|address)\s*=\s*['"]?(?:tcp:)?([^\s;'"]+)['"]?`)
	})
	portKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)(?:^|[\s;])port\s*=\s*['"]?([\d,]+)['"]?`) })
)

// keyed are the hosts that are the values of keys, in texts that have several. Rest is the text without them.
func keyed(text string) (rest string, all []party) {
	if strings.Count(text, "=") < 2 || !strings.ContainsAny(text, " ;\t\n") {
		return text, nil
	}
	var ports []string
	if m := portKey().FindStringSubmatch(text); m != nil {
		ports = strings.Split(m[1], ",")
	}
	for _, m := range hostKey().FindAllStringSubmatch(text, -1) {
		for i, one := range strings.Split(m[1], ",") {
			one, _, _ = strings.Cut(one, `\`) // SERVER\INSTANCE
			if port, err := strconv.Atoi(one); err == nil && i > 0 {
				all[len(all)-1].port = port // SERVER,PORT
				continue
			}
			h := host().FindStringSubmatch(one)
			if h == nil {
				break
			}
			port, _ := strconv.Atoi(h[2])
			if port == 0 && len(ports) > 0 {
				port, _ = strconv.Atoi(ports[min(i, len(ports)-1)])
			}
			all = append(all, party{"", strings.Trim(h[1], "[]"), port})
		}
	}
	if all == nil {
		return text, nil
	}
	return portKey().ReplaceAllString(hostKey().ReplaceAllString(text, " ; "), " ; "), all
}
