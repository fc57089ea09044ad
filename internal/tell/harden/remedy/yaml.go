package remedy

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plimsoll/plimsoll/internal/read/host"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// changed edits the first document of a YAML file; comments and order stay.
func changed(text []byte, how func(*yaml.Node) error) ([]byte, error) {
	var d yaml.Node
	in := yaml.NewDecoder(bytes.NewReader(text))
	if err := in.Decode(&d); err != nil {
		return nil, err
	}
	if err := in.Decode(new(yaml.Node)); err == nil {
		return nil, errors.New("it holds more than one document")
	}
	if len(d.Content) == 0 || d.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("it holds no object")
	}
	if err := how(d.Content[0]); err != nil {
		return nil, err
	}
	return encoded(&d)
}

func encoded(n *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	e.CompactSeqIndent()
	if err := e.Encode(n); err != nil {
		return nil, err
	}
	return out.Bytes(), e.Close()
}

// get is the value of a key; nil: there is none.
func get(m *yaml.Node, key string) *yaml.Node {
	for i := 0; m != nil && i+1 < len(m.Content) && m.Kind == yaml.MappingNode; i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

// put sets a key, and makes the maps on the way to it.
func put(m *yaml.Node, field string, value *yaml.Node) error {
	key, rest, deeper := strings.Cut(field, ".")
	if m.Kind != yaml.MappingNode || m.Anchor != "" {
		return fmt.Errorf("what %s would stand in is no map of its own", key)
	}
	inner := get(m, key)
	if !deeper {
		remove(m, key)
		if value != nil {
			m.Content = append(m.Content, scalar(key), value)
		}
		return nil
	}
	if inner == nil || inner.Kind == yaml.ScalarNode {
		if value == nil {
			return nil
		}
		remove(m, key)
		inner = &yaml.Node{Kind: yaml.MappingNode}
		m.Content = append(m.Content, scalar(key), inner)
	}
	return put(inner, rest, value)
}

func remove(m *yaml.Node, key string) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content = slices.Delete(m.Content, i, i+2)
			return
		}
	}
}

func scalar(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	return n
}

// typed is a value as YAML would read its text; of a setting that is a list, its items.
func typed(text string, list bool) *yaml.Node {
	if list {
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for one := range strings.SplitSeq(text, ",") {
			n.Content = append(n.Content, scalar(one))
		}
		return n
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: text}
}

// lists are the fields of configurations that hold lists.
var lists = []string{"tlsCipherSuites"}

// fields sets a plan's settings in a configuration file.
func (p *plan) fields(text []byte) ([]byte, error) {
	return changed(text, func(m *yaml.Node) error {
		for _, c := range p.changes {
			field := cmp.Or(p.of.Field(c.name), c.name)
			var value *yaml.Node
			if !c.drop {
				value = typed(c.value, slices.Contains(lists, field))
			}
			if err := put(m, field, value); err != nil {
				return err
			}
		}
		return nil
	})
}

// pod sets a plan's settings in the command line of a static pod, and mounts what it must see.
func (p *plan) pod(text []byte) ([]byte, error) {
	return changed(text, func(m *yaml.Node) error {
		spec := get(m, "spec")
		container := p.container(get(spec, "containers"))
		if container == nil {
			return fmt.Errorf("no container of it runs %s", p.of.Name)
		}
		if command := get(container, "command"); command != nil && len(command.Content) > 0 && host.IsShell(command.Content[0].Value) {
			return errors.New("a shell puts its command together")
		}
		where := get(container, "args")
		if where == nil || len(where.Content) == 0 {
			where = get(container, "command")
		}
		if where == nil || where.Kind != yaml.SequenceNode {
			return errors.New("its command is no list")
		}
		for _, c := range p.changes {
			argument(where, c)
			if other := get(container, "command"); other != nil && other != where {
				argument(other, change{name: c.name, drop: true})
			}
		}
		p.variables(get(container, "env"))
		if p.value("bind-address") == "127.0.0.1" {
			ask(container)
		}
		for _, f := range p.folders {
			if err := mount(container, spec, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// variables takes those of etcd's that a flag goes before: it does not start with both.
func (p *plan) variables(env *yaml.Node) {
	if env == nil || p.of.Name != "etcd" {
		return
	}
	env.Content = slices.DeleteFunc(env.Content, func(one *yaml.Node) bool {
		name := get(one, "name")
		return name != nil && slices.ContainsFunc(p.changes, func(c change) bool {
			return name.Value == p.of.Variable(c.name)
		})
	})
}

// asked are the kubelet's probes of a container.
var asked = []string{"livenessProbe", "readinessProbe", "startupProbe"}

// ask has the kubelet ask a program that listens on the host alone there, and not at the node's address.
func ask(container *yaml.Node) {
	for _, probe := range asked {
		if get := get(get(container, probe), "httpGet"); get != nil && get.Kind == yaml.MappingNode {
			remove(get, "host")
			get.Content = append(get.Content, scalar("host"), scalar("127.0.0.1"))
		}
	}
}

// probes are the paths that a static pod's probes ask for.
func probes(root fs.FS, c *host.Component, resolve func(string) (string, error)) (paths []string) {
	if c.Manifest == "" {
		return nil
	}
	name, err := resolve(c.Manifest)
	if err != nil {
		return nil // it is said when it is to be written
	}
	text, err := fs.ReadFile(root, strings.TrimPrefix(name, "/"))
	if err != nil {
		return nil
	}
	all, err := tree.Parse(name, text)
	if err != nil {
		return nil
	}
	for _, container := range all[0].Get("spec", "containers").Items() {
		for _, probe := range asked {
			if p := container.Get(probe, "httpGet", "path").String(); p != "" {
				paths = append(paths, p)
			}
		}
	}
	return paths
}

func (p *plan) container(all *yaml.Node) *yaml.Node {
	if all == nil {
		return nil
	}
	for _, c := range all.Content {
		if n := get(c, "name"); n != nil && n.Value == p.of.Name {
			return c
		}
		if command := get(c, "command"); command != nil && len(command.Content) > 0 && path.Base(command.Content[0].Value) == p.of.Name {
			return c
		}
	}
	return nil
}

// argument sets one argument, which takes the place of the one that was there, or drops it.
func argument(all *yaml.Node, c change) {
	at := -1
	for i := 0; i < len(all.Content); i++ {
		name, _, valued := strings.Cut(strings.TrimLeft(all.Content[i].Value, "-"), "=")
		if !strings.HasPrefix(all.Content[i].Value, "-") || strings.ReplaceAll(name, "_", "-") != c.name {
			continue
		}
		end := i + 1
		if !valued && end < len(all.Content) && !strings.HasPrefix(all.Content[end].Value, "-") {
			end++ // its value is a word of its own
		}
		if at < 0 {
			at = i
		}
		all.Content = slices.Delete(all.Content, i, end)
		i--
	}
	if c.drop {
		return
	}
	if at < 0 {
		at = len(all.Content)
	}
	all.Content = slices.Insert(all.Content, at, scalar("--"+c.name+"="+c.value))
}

// mount has a container see a folder of the host, at the same path. What is mounted there already has to do.
func mount(container, spec *yaml.Node, f folder) error {
	if all := get(container, "volumeMounts"); all != nil {
		for _, one := range all.Content {
			at, only := get(one, "mountPath"), get(one, "readOnly")
			switch {
			case at == nil || path.Clean(at.Value) != f.path:
			case f.writable && only != nil && only.Value == "true":
				return fmt.Errorf("%s is mounted there, and not to be written to", f.path)
			default:
				return nil
			}
		}
	}
	list := func(m *yaml.Node, key string) *yaml.Node {
		n := get(m, key)
		if n == nil || n.Kind != yaml.SequenceNode {
			remove(m, key)
			n = &yaml.Node{Kind: yaml.SequenceNode}
			m.Content = append(m.Content, scalar(key), n)
		}
		return n
	}
	has := func(all *yaml.Node) bool {
		return slices.ContainsFunc(all.Content, func(one *yaml.Node) bool { n := get(one, "name"); return n != nil && n.Value == f.name })
	}
	mounts, volumes := list(container, "volumeMounts"), list(spec, "volumes")
	if !has(mounts) {
		one := pairs("mountPath", f.path, "name", f.name)
		if !f.writable {
			one.Content = append(one.Content, scalar("readOnly"), typed("true", false))
		}
		mounts.Content = append(mounts.Content, one)
	}
	if !has(volumes) {
		one := &yaml.Node{Kind: yaml.MappingNode}
		one.Content = append(one.Content, scalar("hostPath"), pairs("path", f.path, "type", "DirectoryOrCreate"), scalar("name"), scalar(f.name))
		volumes.Content = append(volumes.Content, one)
	}
	return nil
}

func pairs(words ...string) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode}
	for _, w := range words {
		m.Content = append(m.Content, scalar(w))
	}
	return m
}

const daemonFile = "/etc/docker/daemon.json"

// daemon sets a plan's settings in Docker's file, but for those that arguments set: it refuses to start where both do.
func (r *Remedies) daemon(root fs.FS, p *plan) error {
	all, name := map[string]any{}, daemonFile
	if configs := p.of.Configs(); len(configs) > 0 {
		name = configs[len(configs)-1].Path
	}
	before, err := fs.ReadFile(root, strings.TrimPrefix(name, "/"))
	if err == nil {
		err = json.Unmarshal(before, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read %s: %w", name, err)
	}
	r.without(p)
	for _, c := range p.changes {
		field := cmp.Or(p.of.Field(c.name), c.name)
		if c.drop {
			delete(all, field)
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(c.value), &value); err != nil {
			value = c.value
		}
		all[field] = value
	}
	after, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	r.Files = append(r.Files, File{Path: name, Before: before, After: append(after, '\n'), Mode: 0o644})
	return nil
}
