package host

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// unitFolders are where systemd's units lie, those that go before others first (systemd.unit(5)).
var unitFolders = []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}

// units finds what would be started on a host whose processes are not seen: a root that is mounted.
func (r *reader) units() {
	if r.host.Live {
		return
	}
	for _, service := range []string{"kubelet", "docker", "containerd", "crio", "kube-proxy", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		u := r.unit(service)
		if u.start == "" {
			continue
		}
		words := strings.Fields(u.start)
		program := strings.TrimLeft(words[0], "@-:+!")
		name := called(program)
		if name == "" || len(r.all(name)) > 0 {
			continue
		}
		args, left := expand(words[1:], u.variables)
		c := &Component{Name: name, Unit: u.path, program: program, root: r.host.root, flags: arguments(name, args)}
		for variable, file := range u.files {
			said := arguments(name, quoted(u.variables[variable]))
			for i, f := range c.flags {
				if slices.Contains(said, f) && (slices.Contains(words, "$"+variable) || slices.Contains(words, "${"+variable+"}")) {
					c.flags[i].path = file
				}
			}
		}
		if left != "" {
			c.unread = append(c.unread, "what "+left+" is in "+u.path)
		}
		if name == "etcd" {
			c.env = u.variables
		}
		r.host.Components = append(r.host.Components, c)
	}
}

// unit is what is of use of one of systemd's.
type unit struct {
	path, start string
	variables   map[string]string
	files       map[string]string // those that say a variable, where it is no unit
}

// unit reads a service and its drop-ins: those of all folders, by name.
func (r *reader) unit(service string) unit {
	u := unit{variables: map[string]string{}, files: map[string]string{}}
	for _, dir := range unitFolders {
		if b, err := r.host.root.read(path.Join(dir, service+".service")); err == nil {
			u.path = path.Join(dir, service+".service")
			r.section(&u, string(b))
			break
		}
	}
	dropIns := map[string]string{}
	for _, dir := range slices.Backward(unitFolders) {
		entries, err := r.host.root.list(path.Join(dir, service+".service.d"))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if path.Ext(e.Name()) == ".conf" {
				dropIns[e.Name()] = path.Join(dir, service+".service.d", e.Name())
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(dropIns)) {
		if b, err := r.host.root.read(dropIns[name]); err == nil && u.path != "" {
			r.section(&u, string(b))
		}
	}
	return u
}

func (r *reader) section(u *unit, text string) {
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if value = strings.TrimSpace(value); !ok {
			continue
		}
		switch strings.TrimSpace(key) {
		case "ExecStart":
			u.start = value // an empty one takes back those before it
		case "Environment":
			for _, one := range quoted(value) {
				u.set(one, "")
			}
		case "EnvironmentFile":
			file := strings.TrimPrefix(value, "-")
			if b, err := r.host.root.read(file); err == nil {
				for line := range strings.Lines(string(b)) {
					u.set(strings.TrimSpace(line), file)
				}
			}
		}
	}
}

// set takes a variable from a file of variables, or, where that is empty, from the unit.
func (u *unit) set(one, file string) {
	if name, value, ok := strings.Cut(one, "="); ok && !strings.HasPrefix(name, "#") {
		u.variables[name] = strings.Trim(value, `"'`)
		delete(u.files, name)
		if file != "" {
			u.files[name] = file
		}
	}
}

// quoted parts a line at blanks that stand in no quotes.
func quoted(line string) (all []string) {
	var quote rune
	fields := strings.FieldsFunc(line, func(c rune) bool {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
			return false
		case c == '"' || c == '\'':
			quote = c
		}
		return c == ' ' || c == '\t'
	})
	for _, f := range fields {
		all = append(all, strings.Trim(f, `"'`))
	}
	return all
}

// expand puts variables in as systemd does: $NAME, alone, into words, and ${NAME} into one. Left names one that is
// not known; systemd puts nothing there.
func expand(words []string, variables map[string]string) (all []string, left string) {
	for _, w := range words {
		name, alone := strings.CutPrefix(w, "$")
		braced := strings.HasPrefix(name, "{")
		if alone && !braced {
			if value, ok := variables[name]; ok {
				all = append(all, quoted(value)...)
			}
			continue
		}
		for strings.Contains(w, "${") {
			before, rest, _ := strings.Cut(w, "${")
			name, after, ok := strings.Cut(rest, "}")
			if !ok {
				return all, w
			}
			w = before + variables[name] + after
		}
		if strings.Contains(w, "%") && !strings.Contains(w, "%%") {
			left = w
		}
		if w = strings.Trim(w, `"'`); w != "" {
			all = append(all, w)
		}
	}
	return all, left
}
