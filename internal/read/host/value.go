package host

import (
	"slices"
	"strconv"
	"strings"

	"github.com/plimsoll/plimsoll/finding"
	"github.com/plimsoll/plimsoll/internal/tree"
)

// Value is the effective value of a setting, and who says it.
type Value struct {
	Name string
	Text string // of a list, its items parted by commas
	Set  bool   // somebody says it; else it is the default
	// Unknown is why it is not known; empty: it is.
	Unknown string
	// From says in words who says it, and At where that stands.
	From string
	At   []finding.Location
	// Node is the value in a configuration file; nil elsewhere.
	Node *tree.Value
}

// Is says that it is known to be one of the texts, whatever their case.
func (v Value) Is(texts ...string) bool {
	return v.Unknown == "" && slices.ContainsFunc(texts, func(t string) bool { return strings.EqualFold(v.Text, t) })
}

// List are the items of a list.
func (v Value) List() (all []string) {
	for one := range strings.SplitSeq(v.Text, ",") {
		if one = strings.TrimSpace(one); one != "" {
			all = append(all, one)
		}
	}
	return all
}

// Number is a number, without its unit if it has one of no meaning; false where it is none.
func (v Value) Number() (int, bool) {
	n, err := strconv.Atoi(v.Text)
	return n, err == nil
}

// Value is the effective value of a setting by the name of its flag, or, where it has none, of its field. A truth is
// true or false, however it is written.
func (c *Component) Value(name string) Value {
	s := settingOf(c.Name, name)
	v := c.value(s, name)
	if s.truth() {
		v.Text = truth(v.Text, v.Node)
	}
	return v
}

// truth is what a program takes a text for: flags and variables as strconv reads them, and a word of YAML 1.1 in a file.
func truth(text string, node *tree.Value) string {
	if node != nil && !node.Quoted {
		switch strings.ToLower(text) {
		case "yes", "y", "on":
			return "true"
		case "no", "n", "off":
			return "false"
		}
	}
	if is, err := strconv.ParseBool(text); err == nil {
		return strconv.FormatBool(is)
	}
	return text
}

func (c *Component) value(s setting, name string) Value {
	if v, ok := c.flagValue(s); ok && !(c.exclusive && c.Configured()) {
		if f := c.filed(s); s.field == "featureGates" && f.Set { // gates of both hold, and the flag's go before
			v.Text, v.From = f.Text+","+v.Text, f.From+" and "+v.From
			v.At = append(f.At, v.At...)
		}
		return v
	}
	if v := c.filed(s); v.Set {
		v.Name = name
		return v
	}
	if c.exclusive && c.Configured() {
		if v, ok := c.flagValue(s); ok && s.field == "" { // has no place in the file
			return v
		}
	}
	if e, ok := c.env[s.env()]; ok && s.env() != "" {
		return Value{Name: name, Text: e, Set: true, From: s.env() + "=" + tree.Cut(e) + " in the environment of " + c.Where()}
	}
	return c.byDefault(s)
}

// filed is what the configuration files say of a setting, together: one that comes later goes before the others, but
// for maps, which are merged key by key, and null, which takes back what was said (RFC 7396, as the kubelet does).
func (c *Component) filed(s setting) (v Value) {
	if s.field == "" {
		return v
	}
	for _, f := range c.configs {
		node := said(f.Contents.Document(), s.field)
		switch {
		case node == nil:
			continue
		case node.Null:
			v = Value{}
			continue
		case node.Map == nil || v.Node == nil || v.Node.Map == nil:
			v = Value{Node: node}
		default:
			v.Node = merged(v.Node, node)
		}
		v.Set, v.Text = true, flat(v.Node)
		if v.From != "" {
			v.From += " and "
		}
		v.From += s.field + ": " + tree.Cut(flat(node)) + " in " + at(f.Path, node.Line)
		v.At = append(v.At, finding.Location{Path: strings.TrimPrefix(f.Path, "/"), StartLine: node.Line, EndLine: node.Line})
	}
	return v
}

// said is the value of a field, or the null that stands for all that it is part of; nil: nothing is said.
func said(d *tree.Value, field string) *tree.Value {
	for i, c := range field {
		if whole := field[:i]; c == '.' {
			if v := d.Find(whole); v != nil && v.Null {
				return v
			}
		}
	}
	return d.Find(field)
}

// merged is a map with the entries of another put over it.
func merged(under, over *tree.Value) *tree.Value {
	all := *under
	all.Map = slices.Clone(under.Map)
	for _, e := range over.Map {
		i := slices.IndexFunc(all.Map, func(known tree.Entry) bool { return known.Key == e.Key })
		switch {
		case i < 0 && e.Value.Null:
		case i < 0:
			all.Map = append(all.Map, e)
		case e.Value.Null:
			all.Map = slices.Delete(all.Map, i, i+1)
		case all.Map[i].Value.Map != nil && e.Value.Map != nil:
			all.Map[i].Value = merged(all.Map[i].Value, e.Value)
		default:
			all.Map[i] = e
		}
	}
	return &all
}

func (c *Component) flagValue(s setting) (Value, bool) {
	var texts []string
	var last flag
	for _, f := range c.flags {
		if f.name == s.flag {
			last = f
			texts = append(texts, f.value)
		}
	}
	if texts == nil || s.flag == "" {
		return Value{}, false
	}
	if !s.list {
		texts = texts[len(texts)-1:]
	}
	v := Value{Name: s.flag, Text: strings.Join(texts, ","), Set: true}
	v.From = "--" + s.flag + "=" + tree.Cut(v.Text) + " of " + c.Where()
	if last.path != "" {
		v.From = "--" + s.flag + "=" + tree.Cut(v.Text) + " in " + at(last.path, last.line)
		v.At = []finding.Location{{Path: strings.TrimPrefix(last.path, "/"), StartLine: last.line, EndLine: last.line}}
	}
	return v, true
}

// byDefault is the value that nobody says.
func (c *Component) byDefault(s setting) Value {
	v := Value{Name: s.name()}
	if len(c.unread) > 0 && !c.Whole {
		v.Unknown = v.Name + " of " + c.Where() + ": " + c.unread[0]
		return v
	}
	if c.Manifest != "" {
		v.At = []finding.Location{{Path: strings.TrimPrefix(c.Manifest, "/")}}
	}
	if d, ok := c.defaults[s.flag]; ok {
		v.Text, v.From = d, v.Name+" is not set: "+c.whose+" makes it "+d
		return v
	}
	if c.Whole {
		v.Text, v.From = s.zero(), v.Name+" is not set in "+c.Where()
		return v
	}
	d, ok := s.byDefault(c.Version, c.Configured())
	if !ok {
		v.Unknown = v.Name + " of " + c.Where() + " is not set, and its default hangs on the version, which is not known"
		return v
	}
	v.Text, v.From = d, v.Name+" of "+c.Where()+" is not set"
	if d != "" {
		v.From += ": the default is " + d
	}
	if s.filed != nil && !c.Configured() {
		v.From += " without a configuration file"
	}
	return v
}

func at(path string, line int) string {
	if line == 0 {
		return path
	}
	return path + ":" + strconv.Itoa(line)
}

// flat is a scalar's text, or those of a list or a map of scalars.
func flat(v *tree.Value) string {
	if v.Scalar {
		return v.Text
	}
	var all []string
	for _, one := range v.List {
		all = append(all, one.String())
	}
	for _, e := range v.Map {
		all = append(all, e.Key+"="+e.Value.String())
	}
	return strings.Join(all, ",")
}

// Gate says whether a feature gate is on, where somebody says so; else its default is not known here, and ok false.
func (c *Component) Gate(name string) (on, ok bool, v Value) {
	v = c.Value("feature-gates")
	for _, one := range v.List() {
		if key, value, _ := strings.Cut(one, "="); key == name {
			on, ok = truth(value, nil) == "true", true
		}
	}
	return on, ok, v
}

// Field is the field of its configuration file that says a setting; empty: it has none.
func (c *Component) Field(name string) string { return settingOf(c.Name, name).field }

// Source is the file that says a flag, or else the unit, process or pod that it is of.
func (c *Component) Source(v Value) string {
	if len(v.At) > 0 {
		return "/" + v.At[0].Path
	}
	return c.Where()
}

// Variable is the variable of the environment that says a setting of etcd's.
func (c *Component) Variable(name string) string { return settingOf(c.Name, name).env() }
